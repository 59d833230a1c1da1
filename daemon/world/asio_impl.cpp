// SPDX-License-Identifier: Apache-2.0
// Asio's and Beast's own sources, compiled once.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>

// Beast's parser of a chunked body asserts that five bytes are there when it comes back to the last chunk. After "0\r\n" and one byte there
// are four: anybody could end a drwatch that was built with assertions. What follows the assertion is right for three bytes and more.
#define BOOST_DISABLE_ASSERTS
#include <boost/assert.hpp>
#include <boost/beast/src.hpp>

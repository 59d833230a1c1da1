# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C++ file that holds every file of FOLDER as text: the program carries its pages with it.
file(GLOB files "${FOLDER}/*.mustache" "${FOLDER}/*.css" "${FOLDER}/*.js" "${FOLDER}/*.svg")
set(text "// Made from daemon/web/pages by embed.cmake.\n#include \"daemon/web/pages/texts.hpp\"\n\nnamespace drwatch::web {\n\n")
string(APPEND text "const std::map<std::string_view, std::string_view>& page_texts() {\n  static const std::map<std::string_view, std::string_view> texts{\n")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" content)
  string(APPEND text "      {\"${name}\", R\"~~~(${content})~~~\"},\n")
endforeach()
string(APPEND text "  };\n  return texts;\n}\n\n}  // namespace drwatch::web\n")
file(WRITE "${OUT}" "${text}")

# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C++ file that holds every scenario of FOLDER as text: `drwatch init` needs no other file than the program.
file(GLOB files RELATIVE "${FOLDER}" "${FOLDER}/*.toml" "${FOLDER}/shared/*.toml")
set(text "// Made from config/scenarios by embed.cmake.\n#include \"daemon/commands/shipped.hpp\"\n\nnamespace drwatch::commands {\n\n")
string(APPEND text "const std::map<std::string_view, std::string_view>& shipped_scenarios() {\n  static const std::map<std::string_view, std::string_view> texts{\n")
foreach(file IN LISTS files)
  file(READ "${FOLDER}/${file}" content)
  string(APPEND text "      {\"${file}\", R\"~~~(${content})~~~\"},\n")
endforeach()
string(APPEND text "  };\n  return texts;\n}\n\n}  // namespace drwatch::commands\n")
file(WRITE "${OUT}" "${text}")

# SPDX-License-Identifier: EUPL-1.2
# balise_embed(target symbol file): puts a file's bytes into the executable as `const unsigned char symbol[]` and
# `const size_t symbol_bytes`, through the assembler's .incbin (no generated hexadecimal).
enable_language(ASM)
function(balise_embed target symbol file)
    set(asm ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
    file(CONFIGURE OUTPUT ${asm} @ONLY CONTENT [=[
.section .rodata
.balign 16
.global @symbol@
.global @symbol@_bytes
@symbol@:
.incbin "@file@"
@symbol@_end:
.balign 8
@symbol@_bytes:
.quad @symbol@_end - @symbol@
.section .note.GNU-stack,"",%progbits
]=])
    set_property(SOURCE ${asm} APPEND PROPERTY OBJECT_DEPENDS ${file})
    target_sources(${target} PRIVATE ${asm})
endfunction()

# SPDX-License-Identifier: EUPL-1.2
# One INTERFACE target carries the language level and every warning, so no global flag is ever set.
add_library(balise_flags INTERFACE)
target_compile_features(balise_flags INTERFACE c_std_11)
target_compile_definitions(balise_flags INTERFACE _GNU_SOURCE BALISE_VERSION="${PROJECT_VERSION}"
    $<$<BOOL:${BALISE_TEST_HOOKS}>:BALISE_TEST_HOOKS>)
# What a long write to the store has in one transaction. Little where tests run, so that a small day has several.
target_compile_definitions(balise_flags INTERFACE BALISE_PART_BYTES=$<IF:$<CONFIG:Debug>,4096,1048576>)
# The sanitizers bring functions of libc's of their own.
if(CMAKE_C_FLAGS MATCHES "-fsanitize=")
    target_compile_definitions(balise_flags INTERFACE BALISE_SANITIZED)
endif()
target_include_directories(balise_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_options(balise_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wcast-qual -Wformat=2 -Wundef -Wwrite-strings -Wpointer-arith -Wswitch-enum -fno-common -UNDEBUG)
# Bound before main: at a first call the loader would save registers, and what a copy left in them, on the stack.
target_link_options(balise_flags INTERFACE LINKER:-z,now)
# What the fuzzer steers by: which branches an input took. Asked for where everything is compiled, linked in its targets alone.
if(BALISE_FUZZ)
    target_compile_options(balise_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Counts are written when a program ends, also by _exit (tests/support/coverage.c).
if(BALISE_COVERAGE)
    add_library(balise_coverage STATIC ${CMAKE_SOURCE_DIR}/tests/support/coverage.c)
    target_compile_options(balise_flags INTERFACE --coverage -fprofile-update=prefer-atomic)
    target_link_options(balise_flags INTERFACE --coverage LINKER:--wrap=_exit)
    target_link_libraries(balise_flags INTERFACE balise_coverage)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

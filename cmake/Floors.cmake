# SPDX-License-Identifier: EUPL-1.2
# balise_floor(store SOURCES a.c b.c USES balise_core PkgConfig::LMDB): one static library a floor, so that the
# dependency graph of the house can be read in server/*/CMakeLists.txt and a test links only what it needs.
function(balise_floor name)
    cmake_parse_arguments(FLOOR "" "" "SOURCES;USES" ${ARGN})
    add_library(balise_${name} STATIC ${FLOOR_SOURCES})
    target_link_libraries(balise_${name} PUBLIC balise_flags ${FLOOR_USES})
endfunction()

# balise_unit_tests(store): every tests/unit/store/test_*.c becomes a ctest "unit/store/test_x" linked with that floor.
function(balise_unit_tests floor)
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${floor}/test_*.c)
    foreach(source IN LISTS tests)
        get_filename_component(name ${source} NAME_WE)
        set(test ${floor}_${name})
        add_executable(${test} ${source})
        target_link_libraries(${test} PRIVATE balise_${floor} PkgConfig::CMOCKA)
        target_include_directories(${test} PRIVATE ${CMAKE_SOURCE_DIR}/server/${floor} ${CMAKE_SOURCE_DIR}/tests/support)
        target_compile_definitions(${test} PRIVATE BALISE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        add_test(NAME unit/${floor}/${name} COMMAND ${test})
        set_tests_properties(unit/${floor}/${name} PROPERTIES LABELS unit TIMEOUT 300 ENVIRONMENT
            "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp;LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/lsan.supp")
    endforeach()
endfunction()

# How each kind of test in C is built, and under which label ctest runs it. Included by the root: paths are the root's.

# tests/unit/ROOM_THING.c is one program, linking that room alone. io_pg* start a PostgreSQL of their own.
add_library(unit_statements STATIC) # of io_pg*, over tables that they make
set_target_properties(unit_statements PROPERTIES LINKER_LANGUAGE C)
target_include_directories(unit_statements PUBLIC ${CMAKE_BINARY_DIR}/made/unit)
target_link_libraries(unit_statements PUBLIC io base)
statements(tests/unit unit_statements)
file(GLOB units CONFIGURE_DEPENDS tests/unit/*.c)
foreach(file ${units})
  get_filename_component(unit ${file} NAME_WE)
  string(REGEX REPLACE "_.*$" "" of ${unit})
  add_executable(unit_${unit} ${file})
  target_link_libraries(unit_${unit} PRIVATE ${of} base out_cmocka)
  if(of STREQUAL "io" OR of STREQUAL "sandbox")
    target_link_libraries(unit_${unit} PRIVATE io out_uv)
  endif()
  if(unit MATCHES "^io_pg")
    target_link_libraries(unit_${unit} PRIVATE unit_statements)
    target_compile_definitions(unit_${unit} PRIVATE SCRATCH="${CMAKE_SOURCE_DIR}/tests/unit/scratch_postgres.sh")
  endif()
  if(of STREQUAL "server")
    target_include_directories(unit_${unit} PRIVATE ${CMAKE_BINARY_DIR}/made/server)
    target_link_libraries(unit_${unit} PRIVATE ledger policy mail io out_jansson out_microhttpd)
  endif()
  if(of STREQUAL "worker" OR of STREQUAL "jobs" OR of STREQUAL "ledger")
    target_link_libraries(unit_${unit} PRIVATE policy io)
  endif()
  if(of STREQUAL "ledger") # on a migrated PostgreSQL of its own
    target_compile_definitions(unit_${unit} PRIVATE SCRATCH="${CMAKE_SOURCE_DIR}/tests/unit/scratch_postgres.sh"
                               MIGRATE="${CMAKE_SOURCE_DIR}/tools/migrate.sh")
  endif()
  add_test(NAME unit_${unit} COMMAND unit_${unit})
  set_tests_properties(unit_${unit} PROPERTIES LABELS unit TIMEOUT 300)
endforeach()

# tests/sim/THING.c plays days and months of the rules alone, by seed.
file(GLOB sims CONFIGURE_DEPENDS tests/sim/*.c)
foreach(file ${sims})
  get_filename_component(sim ${file} NAME_WE)
  add_executable(sim_${sim} ${file})
  target_include_directories(sim_${sim} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(sim_${sim} PRIVATE policy base out_cmocka)
  add_test(NAME sim_${sim} COMMAND sim_${sim})
  set_tests_properties(sim_${sim} PROPERTIES LABELS sim TIMEOUT 600)
endforeach()

# What tests/peers/test_zones.py lays beside Python's zoneinfo.
add_executable(zone_table tests/peers/zone_table.c)
target_link_libraries(zone_table PRIVATE policy base)

# What tests/peers/test_letters.py gives to Python's email package.
add_executable(letter_octets tests/peers/letter_octets.c)
target_link_libraries(letter_octets PRIVATE mail base)

# tests/conversations/*.smtp are played against mail/smtp_session by one program.
file(GLOB conversations CONFIGURE_DEPENDS tests/conversations/*.c)
if(conversations)
  add_executable(conversations ${conversations})
  target_link_libraries(conversations PRIVATE mail base out_cmocka)
  add_test(NAME conversations COMMAND conversations ${CMAKE_SOURCE_DIR}/tests/conversations)
  set_tests_properties(conversations PROPERTIES LABELS conversations TIMEOUT 300)
endif()

# What tests/faults/test_memory.py preloads into the programs: libc's own allocator under a count.
if(NOT EVENPOST_SANITIZE)
  add_library(failing_allocation MODULE tests/faults/failing_allocation.c)
endif()

# tests/fuzz/ROOM_THING.c is one libFuzzer target; only with clang: -DCMAKE_C_COMPILER=clang -DEVENPOST_FUZZ=ON, target `fuzz`.
if(EVENPOST_FUZZ)
  file(GLOB fuzzers CONFIGURE_DEPENDS tests/fuzz/*.c)
  add_custom_target(fuzz)
  foreach(file ${fuzzers})
    get_filename_component(fuzzer ${file} NAME_WE)
    string(REGEX REPLACE "_.*$" "" of ${fuzzer})
    add_executable(fuzz_${fuzzer} ${file})
    target_link_options(fuzz_${fuzzer} PRIVATE -fsanitize=fuzzer,address,undefined)
    target_link_libraries(fuzz_${fuzzer} PRIVATE ${of} base)
    if(of STREQUAL "server")
      target_include_directories(fuzz_${fuzzer} PRIVATE ${CMAKE_BINARY_DIR}/made/server)
      target_link_libraries(fuzz_${fuzzer} PRIVATE ledger policy mail io out_jansson out_microhttpd out_uv)
    endif()
    add_dependencies(fuzz fuzz_${fuzzer})
  endforeach()
endif()

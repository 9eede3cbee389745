# How every target of this project is compiled.
set(mirror_warnings -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes)
if(MIRROR_WERROR)
  list(APPEND mirror_warnings -Werror)
endif()

# An engine of its own (OSS-Fuzz) brings its compiler flags in the environment.
if(MIRROR_BUILD_FUZZ AND NOT MIRROR_SANITIZE AND MIRROR_FUZZ_ENGINE STREQUAL "-fsanitize=fuzzer")
  set(MIRROR_SANITIZE fuzzer-no-link,address,undefined)
endif()
if(MIRROR_SANITIZE)
  set(mirror_sanitize -fsanitize=${MIRROR_SANITIZE})
  add_compile_options(${mirror_sanitize} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(${mirror_sanitize})
endif()

function(mirror_compile target)
  target_compile_features(${target} PRIVATE c_std_11)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE _FILE_OFFSET_BITS=64)
  target_compile_options(${target} PRIVATE ${mirror_warnings})
endfunction()

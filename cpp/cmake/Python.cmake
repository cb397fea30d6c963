# SKYSEG_PYTHON: the Python whose OpenVINO and ONNX Runtime wheels are used, and which the tests compare with.
if(NOT SKYSEG_PYTHON)
  find_program(SKYSEG_PYTHON NAMES python python3 DOC "Python with the project's packages"
    HINTS "${PROJECT_SOURCE_DIR}/../.venv/bin" NO_DEFAULT_PATH)
  find_program(SKYSEG_PYTHON NAMES python3 DOC "Python with the project's packages")
endif()

# Where a Python package lies, or "".
function(python_package name result)
  set(${result} "" PARENT_SCOPE)
  if(NOT SKYSEG_PYTHON)
    return()
  endif()
  execute_process(
    COMMAND "${SKYSEG_PYTHON}" -c
      "import importlib.util as u; s = u.find_spec('${name}'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

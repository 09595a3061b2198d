/* fuzz_extensions.c: a fuzzer with a Python in it. What the extensions do is steered by tests/ext/entries.py, and
 * counted by libFuzzer in the extensions, which are built for it and find the sanitizers' runtime in this program. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

static PyObject *one;

int LLVMFuzzerInitialize(int *count, char ***words) {
  (void)count, (void)words;
  Py_Initialize();
  PyObject *entries = PyImport_ImportModule("tests.ext.entries");
  one = entries ? PyObject_GetAttrString(entries, "one") : NULL;
  if (one) return 0;
  PyErr_Print();
  exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  PyObject *done = PyObject_CallFunction(one, "y#", (const char *)data, (Py_ssize_t)size);
  if (!done) {
    PyErr_Print();
    abort();
  }
  Py_DECREF(done);
  return 0;
}

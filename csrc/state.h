// Reading, handing out and overwriting the buffer of a Variable, without ever losing it.
#ifndef BRAINVAR_STATE_H_
#define BRAINVAR_STATE_H_

#include <pybind11/pybind11.h>

namespace brainvar {

// As described where they are registered, in state.cc; METH_FASTCALL.
PyObject* Update(PyObject* module, PyObject* const* args, Py_ssize_t count);
PyObject* Draw(PyObject* module, PyObject* const* args, Py_ssize_t count);
PyObject* Execute(PyObject* module, PyObject* const* args, Py_ssize_t count);
PyObject* Stamp(PyObject* module, PyObject* vars);

// Adds the type `Cell` and the functions on it to the extension module.
void RegisterState(pybind11::module_& module);

}  // namespace brainvar

#endif  // BRAINVAR_STATE_H_

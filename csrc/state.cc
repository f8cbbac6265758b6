// Reading, handing out and replacing the value of a Variable, and the registration of all of it.
#include "state.h"

#include <structmember.h>

#include "held.h"

namespace py = pybind11;

namespace brainvar {
namespace {

PyObject* Read(PyObject*, PyObject* var) {
  if (!Settle(var)) return nullptr;
  Cell* cell = CellOf(var);
  if (cell->owner != 0 && cell->owner != ThisThread()) SetShared(cell, bound.foreign);
  return Py_NewRef(ValueOf(var));
}

PyObject* Share(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "share(var, reason)");
    return nullptr;
  }
  PyObject* var = args[0];
  if (!Settle(var)) return nullptr;
  Cell* cell = CellOf(var);
  if (cell->owner != 0) SetShared(cell, args[1]);
  return Py_NewRef(ValueOf(var));
}

PyObject* Store(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "store(var, raw, reason)");
    return nullptr;
  }
  PyObject* var = args[0];
  if (!CheckUsable(var, /*also_without_value=*/true)) return nullptr;
  Cell* cell = CellOf(var);
  while (cell->holder != 0) {
    if (cell->holder == ThisThread()) {
      RefuseReentry(var);
      return nullptr;
    }
    if (!WaitForRelease(var)) return nullptr;
  }
  if (args[2] == Py_None) {
    SetExclusive(cell);
  } else {
    SetShared(cell, args[2]);
  }
  ++cell->replaced;
  ++cell->stores;
  PyObject*& frame = SlotOf(var, bound.frame_offset);
  PyObject* lost = frame;
  if (Py_TYPE(frame) == bound.lost_type) {
    frame = Py_NewRef(Py_None);
  } else {
    lost = nullptr;
  }
  // Last: the old value may be the last reference to an object whose end runs Python code.
  Py_INCREF(args[1]);
  Py_XSETREF(ValueOf(var), args[1]);
  Py_XDECREF(lost);
  Py_RETURN_NONE;
}

Py_ssize_t OffsetOf(py::handle descriptor) {
  if (Py_TYPE(descriptor.ptr()) != &PyMemberDescr_Type) {
    throw py::type_error("bind: expected the descriptor of a slot");
  }
  return reinterpret_cast<PyMemberDescrObject*>(descriptor.ptr())->d_member->offset;
}

void Bind(py::type variable, py::object value, py::object cell, py::object frame,
          py::object error_for, py::object note_copy, py::object copy, py::str foreign,
          py::str repeated, py::type lost) {
  bound.value_offset = OffsetOf(value);
  bound.cell_offset = OffsetOf(cell);
  bound.frame_offset = OffsetOf(frame);
  bound.error_for = error_for.release().ptr();
  bound.note_copy = note_copy.release().ptr();
  bound.copy = copy.release().ptr();
  bound.foreign = foreign.release().ptr();
  bound.repeated = repeated.release().ptr();
  bound.lost_type = reinterpret_cast<PyTypeObject*>(lost.release().ptr());
  bound.variable_type = reinterpret_cast<PyTypeObject*>(variable.release().ptr());
}

PyMethodDef functions[] = {
    {"read", Read, METH_O, "read(var) -> its raw value, which the caller does not keep."},
    {"share", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Share)), METH_FASTCALL,
     "share(var, reason) -> its raw value, which is never overwritten from now on."},
    {"store", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Store)), METH_FASTCALL,
     "store(var, raw, reason): take a raw value, shared for a reason or (None) exclusive."},
    {"update", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Update)), METH_FASTCALL,
     "update(var, function, lost, *args): value <- function(value, *args), in place."},
    {"draw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Draw)), METH_FASTCALL,
     "draw(var, function, *args) -> rest: value, rest <- function(value, *args)."},
    {"execute", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Execute)), METH_FASTCALL,
     "execute(donated, written, reads, function, dynamic, lost, stamp, calls_out) -> the other "
     "results."},
    {"stamp", Stamp, METH_O,
     "stamp(vars) -> a number that grows when one takes a value from outside."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void RegisterState(py::module_& module) {
  bound.cell_type = MakeCellType();
  if (bound.cell_type == nullptr) throw py::error_already_set();
  module.add_object("Cell", reinterpret_cast<PyObject*>(bound.cell_type));
  if (PyModule_AddFunctions(module.ptr(), functions) != 0) throw py::error_already_set();
  module.def("bind", &Bind, "Give the classes and functions that the others work with.");
}

}  // namespace brainvar

#include "cell.h"

#include <structmember.h>

#include <cstddef>

namespace brainvar {
namespace {

int Init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"reason", nullptr};
  PyObject* reason = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &reason)) {
    return -1;
  }
  auto* cell = reinterpret_cast<Cell*>(self);
  if (reason == Py_None) {
    SetExclusive(cell);
  } else {
    SetShared(cell, reason);
  }
  return 0;
}

void Dealloc(PyObject* self) {
  auto* cell = reinterpret_cast<Cell*>(self);
  Py_XDECREF(cell->reason);
  Py_XDECREF(cell->copies);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* GetReason(PyObject* self, void*) {
  PyObject* reason = reinterpret_cast<Cell*>(self)->reason;
  return Py_NewRef(reason != nullptr ? reason : Py_None);
}

PyObject* GetCopies(PyObject* self, void*) {
  auto* cell = reinterpret_cast<Cell*>(self);
  if (cell->copies == nullptr) cell->copies = PyDict_New();
  return Py_XNewRef(cell->copies);
}

PyGetSetDef properties[] = {
    {"reason", GetReason, nullptr, "Why the buffer is shared; None if it is exclusive.", nullptr},
    {"copies", GetCopies, nullptr, "How often a write had to copy, by reason.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"in_place", T_ULONGLONG, offsetof(Cell, in_place), READONLY, "Writes into the buffer."},
    {"replaced", T_ULONGLONG, offsetof(Cell, replaced), READONLY, "Values that replaced it."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {Py_tp_init, reinterpret_cast<void*>(Init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_getset, properties},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    "brainvar._cpu.Cell", sizeof(Cell), 0, Py_TPFLAGS_DEFAULT, slots,
};

}  // namespace

PyTypeObject* MakeCellType() { return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec)); }

}  // namespace brainvar

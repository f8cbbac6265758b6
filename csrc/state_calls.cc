// The calls that write Variables: see state.h.
//
// A compiled call that takes a buffer as its own ("donation") deletes the array that was given to
// it. Between that and the storing of the result no Python code may run: a signal handler that
// raises there would lose the state. So the call and the store are one C function. What one thread
// reads is safe from the others by ownership (cell.h), and a Variable that a call writes is locked
// (held.h) from before its value is taken until the new one is stored.
#include <pybind11/pybind11.h>

#include <vector>

#include "held.h"
#include "state.h"

namespace py = pybind11;

namespace brainvar {
namespace {

// The value of a Variable as an operand that the call may overwrite; a new reference.
PyObject* TakeOwn(PyObject* var, bool repeated = false) {
  Cell* cell = CellOf(var);
  if (cell->owner == ThisThread() && !repeated) {
    cell->donated = true;
    return Py_NewRef(ValueOf(var));
  }
  PyObject* reason = repeated ? bound.repeated : cell->owner != 0 ? bound.foreign : cell->reason;
  PyObject* raw = Py_NewRef(ValueOf(var));
  PyObject* noted = PyObject_CallFunctionObjArgs(bound.note_copy, var, reason, nullptr);
  PyObject* copy = noted != nullptr ? PyObject_CallOneArg(bound.copy, raw) : nullptr;
  Py_XDECREF(noted);
  Py_DECREF(raw);
  return copy;
}

bool IsDeleted(PyObject* raw) {
  PyObject* answer = PyObject_CallMethod(raw, "is_deleted", nullptr);
  const bool deleted = answer == Py_True;
  if (answer == nullptr) PyErr_Clear();
  Py_XDECREF(answer);
  return deleted;
}

// After a call has failed: Variables whose buffers went with it say so from now on.
void NoteLost(const std::vector<PyObject*>& donated, PyObject* lost) {
  const py::error_scope pending;
  for (PyObject* var : donated) {
    if (!CellOf(var)->donated || !IsDeleted(ValueOf(var))) continue;
    Py_INCREF(lost);
    Py_XSETREF(SlotOf(var, bound.frame_offset), lost);
  }
}

// Stores a new value. Returns the old one, to be released when all that the call writes is stored:
// the end of an array lets other threads run, and may run Python code.
[[nodiscard]] PyObject* Commit(PyObject* var, PyObject* value, bool in_place) {
  Cell* cell = CellOf(var);
  if (in_place) {
    ++cell->in_place;
  } else {
    ++cell->replaced;
  }
  SetExclusive(cell);
  cell->donated = false;
  return std::exchange(ValueOf(var), Py_NewRef(value));
}

}  // namespace

// update(var, function, lost, *args): value <- function(value, *args), which it may overwrite.
PyObject* Update(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 3) {
    PyErr_SetString(PyExc_TypeError, "update(var, function, lost, *args)");
    return nullptr;
  }
  PyObject* var = args[0];
  Held held;
  held.Add(var);
  if (!held.Acquire()) return nullptr;
  bool repeated = false;
  for (Py_ssize_t i = 3; i < count; ++i) repeated |= args[i] == ValueOf(var);
  std::vector<PyObject*> operands(args + 2, args + count);
  operands[0] = TakeOwn(var, repeated);
  if (operands[0] == nullptr) return nullptr;
  PyObject* result = PyObject_Vectorcall(args[1], operands.data(), operands.size(), nullptr);
  if (result == nullptr) {
    NoteLost({var}, args[2]);
  } else {
    Py_DECREF(Commit(var, result, /*in_place=*/true));
    Py_DECREF(result);
  }
  Py_DECREF(operands[0]);
  if (result == nullptr) return nullptr;
  Py_RETURN_NONE;
}

// draw(var, function, *args) -> rest: (next, rest) = function(value, *args); value <- next.
PyObject* Draw(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 2) {
    PyErr_SetString(PyExc_TypeError, "draw(var, function, *args)");
    return nullptr;
  }
  PyObject* var = args[0];
  Held held;
  held.Add(var);
  if (!held.Acquire()) return nullptr;
  std::vector<PyObject*> operands(args + 1, args + count);
  PyObject* value = operands[0] = Py_NewRef(ValueOf(var));
  PyObject* result = PyObject_Vectorcall(args[1], operands.data(), operands.size(), nullptr);
  Py_DECREF(value);
  if (result == nullptr) return nullptr;
  PyObject* rest = nullptr;
  if (PyTuple_Check(result) && PyTuple_GET_SIZE(result) == 2) {
    Py_DECREF(Commit(var, PyTuple_GET_ITEM(result, 0), /*in_place=*/false));
    rest = Py_NewRef(PyTuple_GET_ITEM(result, 1));
  } else {
    PyErr_SetString(PyExc_TypeError, "draw: the function must return (next, result)");
  }
  Py_DECREF(result);
  return rest;
}

// execute(donated, written, reads, function, dynamic, lost) -> list of the other results:
// out = function([values of donated], [values of reads], dynamic); the first results are the new
// values of `donated`, the next those of `written`.
PyObject* Execute(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 6 || !PyList_Check(args[0]) || !PyList_Check(args[1]) || !PyList_Check(args[2])) {
    PyErr_SetString(PyExc_TypeError,
                    "execute(donated: list, written: list, reads: list, function, dynamic, lost)");
    return nullptr;
  }
  // The lists themselves may change while other threads run.
  const py::object donated = py::reinterpret_steal<py::object>(PyList_AsTuple(args[0]));
  const py::object written = py::reinterpret_steal<py::object>(PyList_AsTuple(args[1]));
  const py::object reads = py::reinterpret_steal<py::object>(PyList_AsTuple(args[2]));
  if (!donated || !written || !reads) return nullptr;
  const Py_ssize_t n_donated = PyTuple_GET_SIZE(donated.ptr());
  const Py_ssize_t n_written = PyTuple_GET_SIZE(written.ptr());
  const Py_ssize_t n_reads = PyTuple_GET_SIZE(reads.ptr());

  Held held;
  std::vector<PyObject*> own, old;
  old.reserve(n_donated + n_written);
  for (Py_ssize_t i = 0; i < n_donated; ++i) own.push_back(PyTuple_GET_ITEM(donated.ptr(), i));
  for (PyObject* var : own) held.Add(var);
  for (Py_ssize_t i = 0; i < n_written; ++i) held.Add(PyTuple_GET_ITEM(written.ptr(), i));
  for (Py_ssize_t i = 0; i < n_reads; ++i) held.AddRead(PyTuple_GET_ITEM(reads.ptr(), i));
  if (!held.Acquire()) return nullptr;

  // Reads first: they may be of the donated Variables' neighbours, never of themselves.
  const py::object read_values = py::reinterpret_steal<py::object>(PyList_New(n_reads));
  const py::object own_values = py::reinterpret_steal<py::object>(PyList_New(n_donated));
  if (!read_values || !own_values) return nullptr;
  for (Py_ssize_t i = 0; i < n_reads; ++i) {
    PyObject* var = PyTuple_GET_ITEM(reads.ptr(), i);
    Cell* cell = CellOf(var);
    if (cell->owner != 0 && cell->owner != ThisThread()) SetShared(cell, bound.foreign);
    PyList_SET_ITEM(read_values.ptr(), i, Py_NewRef(ValueOf(var)));
  }
  for (Py_ssize_t i = 0; i < n_donated; ++i) {
    PyObject* raw = TakeOwn(own[i]);
    if (raw == nullptr) return nullptr;
    PyList_SET_ITEM(own_values.ptr(), i, raw);
  }

  PyObject* operands[] = {own_values.ptr(), read_values.ptr(), args[4]};
  const py::object out =
      py::reinterpret_steal<py::object>(PyObject_Vectorcall(args[3], operands, 3, nullptr));
  if (!out || !PySequence_Check(out.ptr())) {
    if (out) PyErr_SetString(PyExc_TypeError, "execute: the function must return a sequence");
    NoteLost(own, args[5]);
    return nullptr;
  }
  // No exception can be raised from here until every value is stored.
  PyObject* fast = PySequence_Fast(out.ptr(), "execute: the function must return a sequence");
  const py::object results = py::reinterpret_steal<py::object>(fast);
  if (!results || PySequence_Fast_GET_SIZE(fast) < n_donated + n_written) {
    if (results) PyErr_SetString(PyExc_ValueError, "execute: too few results");
    NoteLost(own, args[5]);
    return nullptr;
  }
  PyObject** items = PySequence_Fast_ITEMS(fast);
  for (Py_ssize_t i = 0; i < n_donated; ++i) old.push_back(Commit(own[i], items[i], true));
  for (Py_ssize_t i = 0; i < n_written; ++i) {
    PyObject* var = PyTuple_GET_ITEM(written.ptr(), i);
    old.push_back(Commit(var, items[n_donated + i], false));
  }
  for (PyObject* value : old) Py_DECREF(value);
  return PyList_GetSlice(fast, n_donated + n_written, PySequence_Fast_GET_SIZE(fast));
}

}  // namespace brainvar

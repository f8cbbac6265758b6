// The calls that write Variables: see state.h.
//
// A compiled call that takes a buffer as its own ("donation") deletes the array that was given to
// it. Between that and the storing of the result no Python code may run: a signal handler that
// raises there would lose the state. So the call and the store are one C function. What one thread
// reads is safe from the others by ownership (cell.h), and a Variable that a call writes is locked
// (held.h) from before its value is taken until the new one is stored.
#include <pybind11/pybind11.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "held.h"
#include "state.h"

namespace py = pybind11;

namespace brainvar {
namespace {

// The value of a Variable as an operand that the call may overwrite; a new reference.
PyObject* TakeOwn(PyObject* var) {
  Cell* cell = CellOf(var);
  if (cell->owner == ThisThread()) {
    cell->donated = true;
    return Py_NewRef(ValueOf(var));
  }
  PyObject* raw = Py_NewRef(ValueOf(var));
  PyObject* reason = Py_NewRef(cell->owner != 0 ? bound.foreign : cell->reason);
  PyObject* noted = PyObject_CallFunctionObjArgs(bound.note_copy, var, reason, nullptr);
  PyObject* copy = noted != nullptr ? PyObject_CallOneArg(bound.copy, raw) : nullptr;
  Py_XDECREF(noted);
  Py_DECREF(reason);
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
// A result that is an operand, as without compilation (jax.disable_jit), has other owners, and so
// has one that another thread waits for, lest the next call take it away again.
[[nodiscard]] PyObject* Commit(PyObject* var, PyObject* value, bool in_place, bool is_operand) {
  Cell* cell = CellOf(var);
  if (in_place) {
    ++cell->in_place;
  } else {
    ++cell->replaced;
  }
  if (cell->wanted || is_operand) {
    SetShared(cell, cell->wanted ? bound.foreign : bound.repeated);
  } else {
    SetExclusive(cell);
  }
  cell->donated = cell->wanted = false;
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
  std::vector<PyObject*> operands(args + 2, args + count);
  const bool repeated = std::count(operands.begin() + 1, operands.end(), ValueOf(var)) > 0;
  if (repeated && CellOf(var)->owner != 0) SetShared(CellOf(var), bound.repeated);
  operands[0] = TakeOwn(var);
  if (operands[0] == nullptr) return nullptr;
  PyObject* result = PyObject_Vectorcall(args[1], operands.data(), operands.size(), nullptr);
  if (result == nullptr) {
    NoteLost({var}, args[2]);
  } else {
    const bool given = std::count(operands.begin(), operands.end(), result) > 0;
    Py_DECREF(Commit(var, result, /*in_place=*/true, given));
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
    PyObject* next = PyTuple_GET_ITEM(result, 0);
    const bool given = std::count(operands.begin(), operands.end(), next) > 0;
    Py_DECREF(Commit(var, next, /*in_place=*/false, given));
    rest = Py_NewRef(PyTuple_GET_ITEM(result, 1));
  } else {
    PyErr_SetString(PyExc_TypeError, "draw: the function must return (next, result)");
  }
  Py_DECREF(result);
  return rest;
}

namespace {

uint64_t SumOfStores(PyObject* vars) {
  uint64_t sum = 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(vars); ++i) {
    sum += CellOf(PyTuple_GET_ITEM(vars, i))->stores;
  }
  return sum;
}

}  // namespace

// stamp(vars) -> int.
PyObject* Stamp(PyObject*, PyObject* vars) {
  const py::object tuple = py::reinterpret_steal<py::object>(PySequence_Tuple(vars));
  if (!tuple) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.ptr()); ++i) {
    if (!CheckUsable(PyTuple_GET_ITEM(tuple.ptr(), i), true)) return nullptr;
  }
  return PyLong_FromUnsignedLongLong(SumOfStores(tuple.ptr()));
}

// execute(donated, written, reads, function, dynamic, lost, stamp, calls_out) -> the other results:
// out = function([values of donated], [values of reads], dynamic), a list; the first results are
// the new values of `donated`, the next those of `written`. None, and nothing is done, if the
// stamp of donated + reads is no longer `stamp`.
PyObject* Execute(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 8 || !PyList_Check(args[0]) || !PyList_Check(args[1]) || !PyList_Check(args[2])) {
    PyErr_SetString(PyExc_TypeError,
                    "execute(donated: list, written: list, reads: list, function, dynamic, lost, "
                    "stamp, calls_out)");
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
  if (!held.Acquire(args[7] == Py_True)) return nullptr;
  if (args[6] != Py_None) {
    const uint64_t stamp = PyLong_AsUnsignedLongLong(args[6]);
    if (PyErr_Occurred() != nullptr) return nullptr;
    if (stamp != SumOfStores(donated.ptr()) + SumOfStores(reads.ptr())) Py_RETURN_NONE;
  }

  // `reads` and `donated` have no Variable in common.
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
  if (out && (!PyList_Check(out.ptr()) || PyList_GET_SIZE(out.ptr()) < n_donated + n_written)) {
    PyErr_SetString(PyExc_TypeError, "execute: the function must return a list of all new values");
  }
  if (PyErr_Occurred() != nullptr) {
    NoteLost(own, args[5]);
    return nullptr;
  }
  // Nothing raises from here until every value is stored.
  for (Py_ssize_t i = 0; i < n_donated + n_written; ++i) {
    PyObject* value = PyList_GET_ITEM(out.ptr(), i);
    PyObject* var = i < n_donated ? own[i] : PyTuple_GET_ITEM(written.ptr(), i - n_donated);
    old.push_back(Commit(var, value, i < n_donated, /*is_operand=*/false));
  }
  for (PyObject* value : old) Py_DECREF(value);
  return PyList_GetSlice(out.ptr(), n_donated + n_written, PyList_GET_SIZE(out.ptr()));
}

}  // namespace brainvar

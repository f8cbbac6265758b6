#include "held.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace brainvar {

Bindings bound;

namespace {

// Threads wait here for a Variable that another one is writing.
std::mutex wait_mutex;
std::condition_variable wait_condition;
uint64_t releases = 0;  // changed under both the GIL and wait_mutex
int waiting = 0;        // guarded by the GIL

void NotifyRelease() {
  if (waiting == 0) return;
  {
    const std::lock_guard<std::mutex> lock(wait_mutex);
    ++releases;
  }
  wait_condition.notify_all();
}

}  // namespace

bool Refuse(PyObject* var, const char* what) {
  PyObject* error = PyObject_CallFunction(bound.error_for, "Os", var, what);
  if (error != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
    Py_DECREF(error);
  }
  return false;
}

bool CheckUsable(PyObject* var, bool also_without_value) {
  if (bound.variable_type == nullptr || !PyObject_TypeCheck(var, bound.variable_type)) {
    PyErr_Format(PyExc_TypeError, "expected a Variable, got %R", var);
    return false;
  }
  if (CellOf(var) == nullptr || ValueOf(var) == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the Variable has not been initialised");
    return false;
  }
  PyObject* frame = SlotOf(var, bound.frame_offset);
  if (also_without_value || frame == nullptr || frame == Py_None) return true;
  return Refuse(var, "no value");
}

bool WaitForRelease() {
  ++waiting;
  // Under the GIL since the look at the cell: what is released from here on changes the number.
  const uint64_t seen = releases;
  Py_BEGIN_ALLOW_THREADS;
  {
    std::unique_lock<std::mutex> lock(wait_mutex);
    // Not for ever, so that signals get through.
    wait_condition.wait_for(lock, std::chrono::milliseconds(50), [&] { return releases != seen; });
  }
  Py_END_ALLOW_THREADS;
  --waiting;
  return PyErr_CheckSignals() == 0;
}

bool Settle(PyObject* var) {
  Cell* cell = CellOf(var);
  while (cell->donated) {
    if (cell->holder == ThisThread()) return RefuseReentry(var);
    if (!WaitForRelease()) return false;
  }
  return true;
}

Held::~Held() {
  if (vars_.empty()) return;
  for (PyObject* var : vars_) {
    CellOf(var)->holder = 0;
    CellOf(var)->donated = false;
  }
  NotifyRelease();
  for (PyObject* var : vars_) Py_DECREF(var);
}

bool Held::Acquire() {
  const uint64_t me = ThisThread();
  for (PyObject* var : wanted_) {
    if (!CheckUsable(var)) return false;
  }
  for (PyObject* var : reads_) {
    if (!CheckUsable(var)) return false;
  }
  for (PyObject* busy = FindBusy(); busy != nullptr; busy = FindBusy()) {
    if (CellOf(busy)->holder == me) return RefuseReentry(busy);
    if (!WaitForRelease()) return false;
  }
  for (PyObject* var : wanted_) {
    CellOf(var)->holder = me;
    Py_INCREF(var);
  }
  vars_.swap(wanted_);
  return true;
}

PyObject* Held::FindBusy() const {
  for (PyObject* var : wanted_) {
    if (CellOf(var)->holder != 0) return var;
  }
  for (PyObject* var : reads_) {
    if (CellOf(var)->donated) return var;
  }
  return nullptr;
}

}  // namespace brainvar

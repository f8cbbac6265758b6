#include "held.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace brainvar {

Bindings bound;

namespace {

// Threads wait here for a Variable that another one is writing.
std::mutex wait_mutex;
std::condition_variable wait_condition;
std::condition_variable wake_condition;
std::atomic<uint64_t> releases{0};
uint64_t wakeups = 0;  // guarded by wait_mutex
int waiting = 0;       // guarded by the GIL

// Wakes the waiting threads and lets one of them go on. Without that, a thread that writes in a
// loop would hold the Variable again each time the others get the GIL.
void NotifyRelease() {
  if (waiting == 0) return;
  Py_BEGIN_ALLOW_THREADS;
  {
    std::unique_lock<std::mutex> lock(wait_mutex);
    ++releases;
    wait_condition.notify_all();
    const uint64_t seen = wakeups;
    wake_condition.wait_for(lock, std::chrono::milliseconds(5), [&] { return wakeups != seen; });
  }
  Py_END_ALLOW_THREADS;
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

bool WaitForRelease(PyObject* var) {
  if (CellOf(var)->calls_out) {
    // An exception if this thread is not one that Python has started.
    PyObject* error = PyObject_CallFunction(bound.error_for, "Os", var, "called back");
    if (error == nullptr) return false;
    if (error != Py_None) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
      Py_DECREF(error);
      return false;
    }
    Py_DECREF(error);
  }
  CellOf(var)->wanted = true;
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
  {
    const std::lock_guard<std::mutex> lock(wait_mutex);
    ++wakeups;
  }
  wake_condition.notify_all();
  return PyErr_CheckSignals() == 0;
}

bool Settle(PyObject* var) {
  Cell* cell = CellOf(var);
  while (CheckUsable(var)) {
    if (!cell->donated) return true;
    if (cell->holder == ThisThread()) return RefuseReentry(var);
    if (!WaitForRelease(var)) return false;
  }
  return false;
}

Held::~Held() {
  if (!acquired_) return;
  for (PyObject* var : vars_) {
    Cell* cell = CellOf(var);
    cell->holder = 0;
    cell->donated = cell->calls_out = false;
  }
  NotifyRelease();
}

bool Held::Acquire(bool calls_out) {
  const uint64_t me = ThisThread();
  for (;;) {
    for (PyObject* var : vars_) {
      if (!CheckUsable(var)) return false;
    }
    for (PyObject* var : reads_) {
      if (!CheckUsable(var)) return false;
    }
    PyObject* busy = FindBusy();
    if (busy == nullptr) break;
    if (CellOf(busy)->holder == me) return RefuseReentry(busy);
    if (!WaitForRelease(busy)) return false;
  }
  for (PyObject* var : vars_) {
    CellOf(var)->holder = me;
    CellOf(var)->calls_out = calls_out;
  }
  acquired_ = true;
  return true;
}

PyObject* Held::FindBusy() const {
  for (PyObject* var : vars_) {
    if (CellOf(var)->holder != 0) return var;
  }
  for (PyObject* var : reads_) {
    if (CellOf(var)->donated) return var;
  }
  return nullptr;
}

}  // namespace brainvar

// Access to the Variables of the Python side, and the lock that a call that writes some holds.
#ifndef BRAINVAR_HELD_H_
#define BRAINVAR_HELD_H_

#include <pybind11/pybind11.h>

#include <vector>

#include "cell.h"

namespace brainvar {

// What the Python side gives at its import, by `bind`.
struct Bindings {
  PyTypeObject* cell_type = nullptr;
  PyTypeObject* variable_type = nullptr;
  PyTypeObject* lost_type = nullptr;
  Py_ssize_t value_offset = 0;
  Py_ssize_t cell_offset = 0;
  Py_ssize_t frame_offset = 0;
  PyObject* error_for = nullptr;  // error_for(var, what is wrong with it) -> an exception or None
  PyObject* note_copy = nullptr;  // note_copy(var, reason), which may raise
  PyObject* copy = nullptr;       // copy(raw) -> a raw array in a buffer of its own
  PyObject* foreign = nullptr;    // the reason for what another thread has read, a str
  PyObject* repeated = nullptr;   // the reason for an array that is also an argument, a str
};
extern Bindings bound;

inline PyObject*& SlotOf(PyObject* object, Py_ssize_t offset) {
  return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
}
inline PyObject*& ValueOf(PyObject* var) { return SlotOf(var, bound.value_offset); }
inline Cell* CellOf(PyObject* var) {
  return reinterpret_cast<Cell*>(SlotOf(var, bound.cell_offset));
}

// Sets the exception that the Python side makes for a Variable; false, for short returns.
bool Refuse(PyObject* var, const char* what);
inline bool RefuseReentry(PyObject* var) { return Refuse(var, "reentered"); }

// Whether `var` is a Variable that has a value; sets an exception if not.
bool CheckUsable(PyObject* var, bool also_without_value = false);

// Waits until `var`, which another thread holds, may have been released; false with an exception
// set, by a signal handler or because the holder in turn waits for this thread, a callback of it.
bool WaitForRelease(PyObject* var);

// Waits until no running call has the value of `var`; false with an exception set, also if it has
// none.
bool Settle(PyObject* var);

// The Variables that one call writes: locked all at once, so that two calls never wait for each
// other, and released whatever happens.
class Held {
 public:
  Held() = default;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held();

  void Add(PyObject* var) { vars_.push_back(var); }
  void AddRead(PyObject* var) { reads_.push_back(var); }

  // Waits for them; false with an exception set. `calls_out`: the call may run callbacks.
  bool Acquire(bool calls_out = false);

 private:
  PyObject* FindBusy() const;

  // Kept alive by the caller.
  std::vector<PyObject*> vars_, reads_;
  bool acquired_ = false;
};

}  // namespace brainvar

#endif  // BRAINVAR_HELD_H_

// The record that each Variable keeps of its buffer: who owns it, and who is writing it now.
#ifndef BRAINVAR_CELL_H_
#define BRAINVAR_CELL_H_

#include <Python.h>

#include <cstdint>

namespace brainvar {

// A buffer is exclusive to one thread, or shared for a reason. Only the thread that it is
// exclusive to may donate it: so what any other thread has read stays alive without a lock.
// Guarded by the GIL.
struct Cell {
  PyObject_HEAD uint64_t owner;  // the thread that the buffer is exclusive to, 0 if it is shared
  uint64_t holder;               // the thread that is writing the Variable, 0 if none is
  bool donated;                  // the buffer is in a running call, and gone when that ends
  bool wanted;                   // another thread waits for the call to end
  bool calls_out;                // the call may wait for a callback to the host
  PyObject* reason;              // why it is shared, a str; null if it is exclusive
  PyObject* copies;              // dict from reason to how often a write had to copy, or null
  uint64_t in_place;             // writes into the buffer
  uint64_t replaced;             // new values that took the place of the buffer
  uint64_t stores;  // of these, values from outside, which may be placed on another device
};

// The type; a new reference, or null with an exception set.
PyTypeObject* MakeCellType();

inline uint64_t ThisThread() { return static_cast<uint64_t>(PyThread_get_thread_ident()); }

inline void SetShared(Cell* cell, PyObject* reason) {
  cell->owner = 0;
  Py_INCREF(reason);
  Py_XSETREF(cell->reason, reason);
}

inline void SetExclusive(Cell* cell) {
  cell->owner = ThisThread();
  Py_CLEAR(cell->reason);
}

}  // namespace brainvar

#endif  // BRAINVAR_CELL_H_

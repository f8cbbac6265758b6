// Flat offsets of NumPy index arrays, for Python.
#ifndef BRAINVAR_OFFSETS_H_
#define BRAINVAR_OFFSETS_H_

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>

#include "cpu/offsets.h"

namespace brainvar {

// Are the elements side by side, in C's order, and each where the machine wants it?
bool IsPlain(const pybind11::array& array);

// The indices of a plain array of signed integers of 4 or 8 bytes; the other fields are not set.
cpu::AxisIndices ReadIndices(const pybind11::array& array);

// The first of `count` indices that is outside of the dimension, as there is one.
int64_t FirstOutside(const cpu::AxisIndices& axis, int64_t count);

// Adds the function `flat_offsets` to the extension module.
void RegisterOffsets(pybind11::module_& module);

}  // namespace brainvar

#endif  // BRAINVAR_OFFSETS_H_

// Flat offsets of NumPy index arrays, for Python.
#ifndef BRAINVAR_OFFSETS_H_
#define BRAINVAR_OFFSETS_H_

#include <pybind11/pybind11.h>

namespace brainvar {

// Adds the function `flat_offsets` to the extension module.
void RegisterOffsets(pybind11::module_& module);

}  // namespace brainvar

#endif  // BRAINVAR_OFFSETS_H_

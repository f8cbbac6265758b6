// Arrays of NumPy that an update reads where they are, for Python.
#ifndef BRAINVAR_LOANS_H_
#define BRAINVAR_LOANS_H_

#include <pybind11/pybind11.h>

namespace brainvar {

// Adds the function `lend` and the class `Loan` to the extension module.
void RegisterLoans(pybind11::module_& module);

}  // namespace brainvar

#endif  // BRAINVAR_LOANS_H_

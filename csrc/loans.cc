#include "loans.h"

#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "cpu/loans.h"
#include "offsets.h"

namespace py = pybind11;

namespace brainvar {
namespace {

// From so many elements on, other threads may run while they are looked at.
constexpr int64_t kManyElements = 1 << 16;

// Holds the arrays until nobody reads them any more.
class Lent {
 public:
  Lent(std::shared_ptr<cpu::Loan> loan, int32_t number, py::array indices, py::array values)
      : loan_(std::move(loan)),
        number_(number),
        indices_(std::move(indices)),
        values_(std::move(values)) {}
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  // A program that was called may run yet: a loan that nobody took back stays for it.
  ~Lent() { TakeBack(true); }

  int32_t number() const { return number_; }

  void TakeBack(bool wanted) {
    if (ended_) return;
    ended_ = true;
    if (cpu::TakeBack(number_, *loan_, wanted)) return;
    const py::gil_scoped_release release;
    cpu::AwaitReturn(*loan_);
  }

 private:
  std::shared_ptr<cpu::Loan> loan_;
  int32_t number_;
  bool ended_ = false;
  py::array indices_, values_;
};

py::object Lend(const py::array& indices, int64_t size, const py::array& values) {
  auto loan = std::make_shared<cpu::Loan>();
  loan->indices = ReadIndices(indices);
  loan->indices.size = size;
  loan->count = static_cast<int64_t>(indices.size());
  loan->values = values.data();
  loan->elem_bytes = static_cast<int64_t>(values.itemsize());
  loan->value_stride = values.ndim() == 0 ? 0 : 1;
  if (size < 0 || !IsPlain(values) || (values.ndim() != 0 && values.size() != indices.size())) {
    throw py::value_error("lend takes aligned C-contiguous values, one or as many as indices");
  }
  bool inside;
  if (loan->count < kManyElements) {
    inside = cpu::AllInside(loan->indices, loan->count);
  } else {
    const py::gil_scoped_release release;
    inside = cpu::AllInside(loan->indices, loan->count);
  }
  if (!inside) return py::int_(FirstOutside(loan->indices, loan->count));
  const int32_t number = cpu::Lend(loan);
  if (number == 0) return py::none();
  return py::cast(std::make_unique<Lent>(std::move(loan), number, indices, values));
}

}  // namespace

void RegisterLoans(py::module_& module) {
  py::class_<Lent>(module, "Loan", "Arrays that an update reads where they are.")
      .def_property_readonly("number", &Lent::number, "What the program is called with.")
      .def("take_back", &Lent::TakeBack, py::arg("wanted"),
           "Ends the loan. A program that has yet to run gets a copy, if it is `wanted`.");
  module.def("lend", &Lend, py::arg("indices"), py::arg("size"), py::arg("values"),
             "A loan of indices into an array of `size` elements and of values; the first index "
             "that is out of bounds; or None if too many loans have yet to be taken.");
}

}  // namespace brainvar

#include "offsets.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace py = pybind11;

namespace brainvar {
bool IsPlain(const py::array& array) {
  constexpr int kPlain = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return (array.flags() & kPlain) == kPlain;
}

cpu::AxisIndices ReadIndices(const py::array& array) {
  const py::dtype type = array.dtype();
  if (type.kind() != 'i' || !(type.itemsize() == 4 || type.itemsize() == 8) || !IsPlain(array) ||
      !type.attr("isnative").cast<bool>()) {
    throw py::type_error("indices must be aligned C-contiguous arrays of int32 or int64");
  }
  return {array.data(), type.itemsize() == 8, 0, 1};
}

int64_t FirstOutside(const cpu::AxisIndices& axis, int64_t count) {
  const int64_t k = cpu::FindOutside(axis, count);
  return axis.wide ? static_cast<const int64_t*>(axis.data)[k]
                   : static_cast<const int32_t*>(axis.data)[k];
}

namespace {

template <typename Offset>
bool Fill(const std::vector<cpu::AxisIndices>& axes, int64_t count, int64_t room, Offset* out) {
  const auto rank = static_cast<int64_t>(axes.size());
  if (!cpu::FlatOffsets(axes.data(), rank, count, out)) return false;
  std::fill(out + count, out + room, Offset{-1});
  return true;
}

py::object FlatOffsets(const py::tuple& indices, const py::sequence& sizes,
                       const py::sequence& strides, py::array& out) {
  const size_t rank = indices.size();
  if (rank == 0 || sizes.size() != rank || strides.size() != rank) {
    throw py::value_error("flat_offsets takes one size and one stride per index array");
  }
  std::vector<cpu::AxisIndices> axes(rank);
  std::vector<py::array> held;
  for (size_t a = 0; a < rank; ++a) {
    held.push_back(indices[a].cast<py::array>());
    cpu::AxisIndices& axis = axes[a];
    axis = ReadIndices(held[a]);
    axis.size = sizes[a].cast<int64_t>();
    axis.stride = strides[a].cast<int64_t>();
    if (held[a].size() != held[0].size() || axis.size < 0) {
      throw py::value_error("flat_offsets takes index arrays of one size, and sizes from 0 up");
    }
  }
  const auto count = static_cast<int64_t>(held[0].size());
  const auto room = static_cast<int64_t>(out.size());
  const bool wide = ReadIndices(out).wide;
  if (room < count) throw py::value_error("flat_offsets: out is shorter than the indices");
  void* data = out.mutable_data();  // raises where it is read-only
  const bool inside = wide ? Fill(axes, count, room, static_cast<int64_t*>(data))
                           : Fill(axes, count, room, static_cast<int32_t*>(data));
  if (inside) return py::none();
  for (size_t a = 0; a < rank; ++a) {
    if (cpu::FindOutside(axes[a], count) < 0) continue;
    return py::make_tuple(a, FirstOutside(axes[a], count));
  }
  return py::none();  // not reached: an index that is not inside is found
}

}  // namespace

void RegisterOffsets(py::module_& module) {
  module.def("flat_offsets", &FlatOffsets, py::arg("indices"), py::arg("sizes"), py::arg("strides"),
             py::arg("out").noconvert(),
             "Writes the flat offsets of index arrays to `out`, filled up with -1; the position "
             "in `indices` and the value of the first index that is out of bounds, or None.");
}

}  // namespace brainvar

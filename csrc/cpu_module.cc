// The extension module brainvar._cpu: the handlers as capsules, and what the build was made of.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <utility>

#include "core/threefry.h"
#include "cpu/handlers.h"
#include "cpu/simd.h"
#include "loans.h"
#include "offsets.h"
#include "state.h"
#include "xla/ffi/api/c_api.h"

namespace py = pybind11;

namespace {

py::dict Registrations() {
  using Handler = XLA_FFI_Error* (*)(XLA_FFI_CallFrame*);
  const std::pair<const char*, Handler> handlers[] = {
      {"brainvar_threefry_split_v1", brainvar::cpu::ThreefrySplit},
      {"brainvar_threefry_advance_v1", brainvar::cpu::ThreefryAdvance},
      {"brainvar_threefry_fold_in_v1", brainvar::cpu::ThreefryFoldIn},
      {"brainvar_threefry_bits_v1", brainvar::cpu::ThreefryBits},
      {"brainvar_threefry_uniform_v1", brainvar::cpu::ThreefryUniform},
      {"brainvar_threefry_normal_v1", brainvar::cpu::ThreefryNormal},
      {"brainvar_threefry_advance_bits_v1", brainvar::cpu::ThreefryAdvanceBits},
      {"brainvar_threefry_advance_uniform_v1", brainvar::cpu::ThreefryAdvanceUniform},
      {"brainvar_threefry_advance_normal_v1", brainvar::cpu::ThreefryAdvanceNormal},
      {"brainvar_threefry_permutation_v1", brainvar::cpu::ThreefryPermutation},
      {"brainvar_threefry_gamma_v1", brainvar::cpu::ThreefryGamma},
      {"brainvar_threefry_gamma_block_v1", brainvar::cpu::ThreefryGammaBlock},
      {"brainvar_threefry_poisson_v1", brainvar::cpu::ThreefryPoisson},
      {"brainvar_threefry_poisson_block_v1", brainvar::cpu::ThreefryPoissonBlock},
      {"brainvar_threefry_binomial_v1", brainvar::cpu::ThreefryBinomial},
      {"brainvar_threefry_binomial_block_v1", brainvar::cpu::ThreefryBinomialBlock},
      {"brainvar_threefry_hypergeometric_v1", brainvar::cpu::ThreefryHypergeometric},
      {"brainvar_threefry_hypergeometric_block_v1", brainvar::cpu::ThreefryHypergeometricBlock},
      {"brainvar_threefry_split_block_v1", brainvar::cpu::ThreefrySplitBlock},
      {"brainvar_threefry_bits_block_v1", brainvar::cpu::ThreefryBitsBlock},
      {"brainvar_threefry_uniform_block_v1", brainvar::cpu::ThreefryUniformBlock},
      {"brainvar_threefry_normal_block_v1", brainvar::cpu::ThreefryNormalBlock},
      {"brainvar_add_events_v1", brainvar::cpu::AddEventsFixed},
      {"brainvar_add_events_csr_v1", brainvar::cpu::AddEventsCsr},
      {"brainvar_update_slices_v1", brainvar::cpu::UpdateSlices},
      {"brainvar_update_at_v1", brainvar::cpu::UpdateAt},
      {"brainvar_update_masked_v1", brainvar::cpu::UpdateMasked},
      {"brainvar_update_lent_v1", brainvar::cpu::UpdateLent},
      {"brainvar_in_order_v1", brainvar::cpu::InOrder},
  };
  py::dict result;
  for (const auto& [name, handler] : handlers) {
    result[name] = py::capsule(reinterpret_cast<void*>(handler));
  }
  return result;
}

py::dict BuildInfo() {
  py::dict info;
  info["version"] = BRAINVAR_VERSION;
  info["ffi_api_major"] = XLA_FFI_API_MAJOR;
  info["ffi_api_minor"] = XLA_FFI_API_MINOR;
  info["compiler"] = BRAINVAR_COMPILER;
  info["simd"] = brainvar::cpu::SimdLevel();
  info["cuda_architectures"] = "";
  return info;
}

std::pair<uint32_t, uint32_t> Threefry2x32(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1) {
  const brainvar::Pair block = brainvar::Threefry2x32({k0, k1}, {c0, c1});
  return {block.x0, block.x1};
}

}  // namespace

PYBIND11_MODULE(_cpu, module) {
  module.doc() = "Native CPU kernels of brainvar, as XLA FFI handlers.";
  module.def("registrations", &Registrations,
             "The handlers as capsules, by the name of their custom-call target.");
  module.def("build_info", &BuildInfo,
             "What the extension was built with, and the SIMD level in use on this machine.");
  module.def("threefry2x32", &Threefry2x32, py::arg("k0"), py::arg("k1"), py::arg("c0"),
             py::arg("c1"), "One block of the cipher, for known-answer tests.");
  brainvar::RegisterOffsets(module);
  brainvar::RegisterLoans(module);
  brainvar::RegisterState(module);
}

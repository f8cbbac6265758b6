// The XLA handlers of this library, by the name of their custom-call target.
#ifndef BRAINVAR_CPU_HANDLERS_H_
#define BRAINVAR_CPU_HANDLERS_H_

#include "xla/ffi/api/c_api.h"

namespace brainvar::cpu {

// Each operand and result is a dense row-major buffer. Keys are u32[..., 2]; their leading
// dimensions are batch dimensions, repeated at the front of every other operand and result. The
// attribute `stream` is a Stream as int32. What fails is returned as an error; nothing is thrown
// (running out of memory for a few bytes ends the process, as it does in XLA). Bits may also be
// written into a signed integer or a float of their width (dtypes.h).
XLA_FFI_Error* ThreefrySplit(XLA_FFI_CallFrame* frame) noexcept;    // key -> subkeys[..., n, 2]
XLA_FFI_Error* ThreefryAdvance(XLA_FFI_CallFrame* frame) noexcept;  // key -> next, subkeys
XLA_FFI_Error* ThreefryFoldIn(XLA_FFI_CallFrame* frame) noexcept;   // key, data u32[...] -> key
XLA_FFI_Error* ThreefryBits(XLA_FFI_CallFrame* frame) noexcept;     // key -> u8..u64[..., *shape]
XLA_FFI_Error* ThreefryUniform(XLA_FFI_CallFrame* frame) noexcept;  // key -> f16 bf16 f32 f64
XLA_FFI_Error* ThreefryNormal(XLA_FFI_CallFrame* frame) noexcept;   // key -> f32 f64
XLA_FFI_Error* ThreefryAdvanceBits(XLA_FFI_CallFrame* frame) noexcept;     // key -> next, bits
XLA_FFI_Error* ThreefryAdvanceUniform(XLA_FFI_CallFrame* frame) noexcept;  // key -> next, uniforms
XLA_FFI_Error* ThreefryAdvanceNormal(XLA_FFI_CallFrame* frame) noexcept;   // key -> next, normals

// The same of a larger array: key, tile s32[rank] -> one block of it. The attribute `shape`
// (int64s) is the shape of the whole sample of a key; the block begins at its own size times the
// tile in each dimension, and is zero past the end. The rows of a split (rank 1) are those of
// `total`, and the whole array begins with row `first`.
XLA_FFI_Error* ThreefryBitsBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryUniformBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryNormalBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefrySplitBlock(XLA_FFI_CallFrame* frame) noexcept;

// key -> orders s32|s64[..., *shape]: random orders of the positions along `axis` (int64) of that
// shape, which has `length` (int64) of them; of one order per key also the beginning alone. The
// attribute `rounds` (int64) says how often the elements are sorted; see permutation.h.
XLA_FFI_Error* ThreefryPermutation(XLA_FFI_CallFrame* frame) noexcept;

// Samplers that reject: key, parameters -> samples[..., *shape], each element from words of its own
// (core/rejection.h). The shape of a parameter is what the samples' shape begins with: all of it
// for one value per sample, none of it for one value in all.
// - Gamma: key, shape T -> T, which is f32 or f64. The attribute `log` (int32) asks for logarithms.
// - Poisson: key, rate f32 or f64 -> s32 or s64; -1 where the rate is no rate.
// - Binomial: key, trials s32 or s64, probability f32 or f64 -> s32 or s64; -1 the same.
// - Hypergeometric: key, good, bad and sample s32 or s64 -> s32 or s64; -1 the same.
XLA_FFI_Error* ThreefryGamma(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryPoisson(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryBinomial(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryHypergeometric(XLA_FFI_CallFrame* frame) noexcept;

// One block of such samples: key, tile and parameters, those of the block. Tile and the attribute
// `shape` are as for the blocks above.
XLA_FFI_Error* ThreefryGammaBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryPoissonBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryBinomialBlock(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* ThreefryHypergeometricBlock(XLA_FFI_CallFrame* frame) noexcept;

// target T[B, n_post], spikes pred or T [B, n_pre], a table, weights T[] or T[like the table's
// entries] -> target, which may be the same memory. The table is s32[n_pre, fanout], or
// indptr s32|s64[n_pre + 1] and indices s32[nnz]. T is f32, f64, s32 or s64.
XLA_FFI_Error* AddEventsFixed(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* AddEventsCsr(XLA_FFI_CallFrame* frame) noexcept;

// target T[*dims] and values T[m] -> target, which may be the same memory, updated where a spec
// says (see core/indexing.h): u32[rows, 4, 2], the words of int64, low first. T is bool, any
// integer of 8 to 64 bits, f16, bf16, f32, f64, c64 or c128. The attribute `op` is an UpdateOp as
// int32. What lies outside the target or the values is dropped. All operands may have batch
// dimensions in front, equally many; those of values, offsets, mask and spec are the target's, or
// all 1.
// - Slices: one row per dimension of the target.
// - At: after the values offsets s32[K] or u32[K, 2] (int64) of elements, to which the positions of
//   the spec's rows 1.. are added; row 0 is (0, offsets in use, 0, their value stride). Later
//   offsets come after earlier ones; negative ones are dropped.
// - Masked: after the values pred[*leading dims]; row 0 is (0, true elements in use, 0, their value
//   stride), rows 1.. are those of the dimensions that the mask does not cover.
XLA_FFI_Error* UpdateSlices(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* UpdateAt(XLA_FFI_CallFrame* frame) noexcept;
XLA_FFI_Error* UpdateMasked(XLA_FFI_CallFrame* frame) noexcept;

// target T[*dims], s32[] the number of a loan (see cpu/loans.h) -> target, which may be the same
// memory, with the loan's values at its indices into the flat target. `op` and T are as above.
XLA_FFI_Error* UpdateLent(XLA_FFI_CallFrame* frame) noexcept;

// target, read -> target, read: what they were, which may be the same memory. XLA computes `read`,
// a part of target, before the call, and what uses the results after it.
XLA_FFI_Error* InOrder(XLA_FFI_CallFrame* frame) noexcept;

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_HANDLERS_H_

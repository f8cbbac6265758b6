// Annotations shared by everything in csrc/core, which host and device code both include.
#ifndef BRAINVAR_CORE_MACROS_H_
#define BRAINVAR_CORE_MACROS_H_

// BRAINVAR_HD marks a function that runs on the host and on the device. It is forced inline: a
// SIMD clone of a loop only vectorises what is inlined into it.
#if defined(__CUDACC__)
#define BRAINVAR_HD __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define BRAINVAR_HD inline __attribute__((always_inline))
#else
#define BRAINVAR_HD inline
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "brainvar packs 8- and 16-bit samples into words and needs a little-endian machine"
#endif

#endif  // BRAINVAR_CORE_MACROS_H_

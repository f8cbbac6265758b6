// How a loop is compiled for several SIMD levels, and which level runs.
#ifndef BRAINVAR_CPU_SIMD_H_
#define BRAINVAR_CPU_SIMD_H_

// BRAINVAR_CLONES makes the compiler emit a function once per level and choose at load time. It
// needs ifunc (ELF) on x86-64; elsewhere, and with BRAINVAR_NO_CLONES (sanitizers, and the tests
// that compile one level at a time), there is one version for the target of the whole build.
// Plain loops at -O3 are what it needs: at -O2 GCC gains nothing from the clones.
#if defined(__x86_64__) && defined(__ELF__) && defined(__GNUC__) && !defined(BRAINVAR_NO_CLONES)
#define BRAINVAR_HAS_CLONES 1
#if defined(__clang__) || __GNUC__ >= 12
#define BRAINVAR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else  // older GCCs cannot dispatch on the levels of the architecture
#define BRAINVAR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define BRAINVAR_HAS_CLONES 0
#define BRAINVAR_CLONES
#endif

#define BRAINVAR_INLINE inline __attribute__((always_inline))
#define BRAINVAR_INLINE_LAMBDA __attribute__((always_inline))
#define BRAINVAR_RESTRICT __restrict__

namespace brainvar::cpu {

// The level that runs on this machine: "avx512", "avx2" or "baseline".
inline const char* SimdLevel() {
#if BRAINVAR_HAS_CLONES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return "avx512";
  }
  return __builtin_cpu_supports("avx2") ? "avx2" : "baseline";
#elif defined(__AVX512F__)
  return "avx512";
#elif defined(__AVX2__)
  return "avx2";
#else
  return "baseline";
#endif
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_SIMD_H_

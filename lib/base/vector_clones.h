// ALERT_VECTOR_CLONES before a function compiles it twice, with and without AVX2; the processor picks at
// start. Both round alike (no fused multiply-add), so results do not depend on the processor. ALERT_INLINE
// puts a function into both.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ALERT_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define ALERT_VECTOR_CLONES
#endif
#if defined(__GNUC__)
#define ALERT_INLINE inline __attribute__((always_inline))
#else
#define ALERT_INLINE inline
#endif

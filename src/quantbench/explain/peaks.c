/* The most multiply-adds and the most bytes read in a microsecond that one core reaches.

     peaks L1_BYTES L2_BYTES MEMORY_BYTES NAME ...

   NAME is a row of the table at the end. Prints a line for each: its name, a tab, a number. Each is
   the best of many short runs, which alternate: what other programs take is not this core's limit. */
#define _POSIX_C_SOURCE 199309L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 24
#define TURNS 2000 /* of a loop of products */
#define CHAINS 12  /* independent sums: two ports by the latency of the slowest product */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A value that the compiler must take for a new one: else equal products become one. */
#define OPAQUE(x) __asm__("" : "+" REGISTER(x))
#define REPEAT12(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) \
    step(9) step(10) step(11)
#define STEP(k) OPAQUE(x); s##k = PRODUCT(s##k, x, w); OPAQUE(s##k);
#define DECLARE(k) TYPE s##k = ZERO;
#define USE(k) __asm__ volatile("" : "+" REGISTER(s##k));

#define KERNEL                                                   \
    TYPE x = ZERO, w = ZERO;                                     \
    OPAQUE(w);                                                   \
    REPEAT12(DECLARE)                                            \
    for (int turn = 0; turn < TURNS; turn++) { REPEAT12(STEP) } \
    REPEAT12(USE)

#if defined(__x86_64__)
#include <immintrin.h>
#define REGISTER(x) "x"(x)

#define TYPE __m128
#define ZERO _mm_setzero_ps()
#define PRODUCT(s, x, w) _mm_add_ps(s, _mm_mul_ps(x, w))
static void sse2_float32(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#define TYPE __m128i
#define ZERO _mm_setzero_si128()
#define PRODUCT(s, x, w) _mm_add_epi32(s, _mm_madd_epi16(x, w))
static void sse2_int8(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#define TYPE __m256
#define ZERO _mm256_setzero_ps()
#define PRODUCT(s, x, w) _mm256_fmadd_ps(x, w, s)
__attribute__((target("avx2,fma"))) static void avx2_float32(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#define TYPE __m256i
#define ZERO _mm256_setzero_si256()
#define PRODUCT(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(x, w))
__attribute__((target("avx2"))) static void avx2_int8(void) { KERNEL }
#undef PRODUCT
#define PRODUCT(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones))
__attribute__((target("avx2"))) static void avx2_int8_pmaddubsw(void)
{
    const __m256i ones = _mm256_set1_epi16(1);
    KERNEL
}
#undef PRODUCT
#if (defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11)
#define HAS_AVXVNNI
#define PRODUCT(s, x, w) _mm256_dpbusd_avx_epi32(s, x, w)
__attribute__((target("avx2,avxvnni"))) static void avxvnni_int8(void) { KERNEL }
#undef PRODUCT
#endif
#undef TYPE
#undef ZERO

#undef REGISTER
#define REGISTER(x) "v"(x)
#define TYPE __m512
#define ZERO _mm512_setzero_ps()
#define PRODUCT(s, x, w) _mm512_fmadd_ps(x, w, s)
__attribute__((target("avx512f"))) static void avx512_float32(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#define TYPE __m512i
#define ZERO _mm512_setzero_si512()
#define PRODUCT(s, x, w) _mm512_add_epi32(s, _mm512_madd_epi16(x, w))
__attribute__((target("avx512f,avx512bw"))) static void avx512_int8(void) { KERNEL }
#undef PRODUCT
#define PRODUCT(s, x, w) _mm512_dpbusd_epi32(s, x, w)
__attribute__((target("avx512f,avx512vnni"))) static void avx512vnni_int8(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#if defined(__linux__) && defined(__LP64__) && \
    ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define HAS_AMX
/* Whether Linux lets this process use tiles: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA). */
static int has_tiles(void)
{
    long result = 158;
    __asm__ volatile("syscall" : "+a"(result) : "D"(0x1023L), "S"(18L) : "rcx", "r11", "memory");
    return result == 0;
}

/* Tiles of 16 rows of 64 bytes, six of them sums. */
__attribute__((target("amx-tile,amx-int8"))) static void amx_int8(void)
{
    uint8_t shapes[64] = {1};
    for (int tile = 0; tile < 8; tile++) {
        shapes[16 + 2 * tile] = 64;
        shapes[48 + tile] = 16;
    }
    __asm__ volatile("" : : "r"(shapes) : "memory"); /* compilers take it for a load of 8 bytes */
    _tile_loadconfig(shapes);
    for (int turn = 0; turn < 2 * TURNS; turn++) {
        _tile_dpbusd(0, 6, 7);
        _tile_dpbusd(1, 6, 7);
        _tile_dpbusd(2, 6, 7);
        _tile_dpbusd(3, 6, 7);
        _tile_dpbusd(4, 6, 7);
        _tile_dpbusd(5, 6, 7);
    }
    _tile_release();
}
#endif

/* Sums of what is read, as wide as every x86-64 of this decade reads. */
__attribute__((target("avx2"))) static void read_avx2(const char *from, size_t bytes)
{
    __m256i s[8];
    memset(s, 0, sizeof s);
    for (size_t at = 0; at + 256 <= bytes; at += 256) {
        for (int k = 0; k < 8; k++) {
            s[k] = _mm256_or_si256(s[k], _mm256_loadu_si256((const void *)(from + at + 32 * k)));
        }
    }
    for (int k = 0; k < 8; k++) {
        __asm__ volatile("" : "+x"(s[k]));
    }
}
#elif defined(__aarch64__)
#include <arm_neon.h>
#define REGISTER(x) "w"(x)
#define TYPE float32x4_t
#define ZERO vdupq_n_f32(0)
#define PRODUCT(s, x, w) vfmaq_f32(s, x, w)
static void neon_float32(void) { KERNEL }
#undef TYPE
#undef ZERO
#undef PRODUCT

#define TYPE int32x4_t
#define ZERO vdupq_n_s32(0)
#define HALF(x) vget_low_s16(vreinterpretq_s16_s32(x))
#define PRODUCT(s, x, w) vmlal_s16(s, HALF(x), HALF(w))
static void neon_int8(void) { KERNEL }
#undef PRODUCT
#define BYTES(x) vreinterpretq_s8_s32(x)
#define PRODUCT(s, x, w) vdotq_s32(s, BYTES(x), BYTES(w))
__attribute__((target("arch=armv8.2-a+dotprod"))) static void neon_dot_int8(void) { KERNEL }
#undef PRODUCT
#endif

static void read_plain(const char *from, size_t bytes)
{
    uint64_t s[8] = {0};
    for (size_t at = 0; at + 64 <= bytes; at += 64) {
        for (int k = 0; k < 8; k++) {
            uint64_t word;
            memcpy(&word, from + at + 8 * k, 8);
            s[k] |= word;
        }
    }
    for (int k = 0; k < 8; k++) {
        __asm__ volatile("" : "+r"(s[k]));
    }
}

/* Additions that each wait for the one before: one takes a cycle. */
static void cycles(void)
{
    uint64_t x = 0, y = 1;
    __asm__("" : "+r"(y));
    for (int turn = 0; turn < TURNS; turn++) {
#define ADD(k) x += y; __asm__ volatile("" : "+r"(x));
        REPEAT12(ADD)
    }
}

typedef struct {
    const char *name;
    void (*run)(void);
    int each; /* what one of the CHAINS does in one turn */
} kernel;

static const kernel kernels[] = {
    {"cycles", cycles, 1},
#if defined(__x86_64__)
    {"sse2 float32", sse2_float32, 4},
    {"sse2 int8", sse2_int8, 8},
    {"avx2 float32", avx2_float32, 8},
    {"avx2 int8", avx2_int8, 16},
    {"avx2 int8 pmaddubsw", avx2_int8_pmaddubsw, 32},
#if defined(HAS_AVXVNNI)
    {"avxvnni int8", avxvnni_int8, 32},
#endif
    {"avx512 float32", avx512_float32, 16},
    {"avx512 int8", avx512_int8, 32},
    {"avx512vnni int8", avx512vnni_int8, 64},
#if defined(HAS_AMX)
    {"amx_int8 int8", amx_int8, 16 * 16 * 64},
#endif
#elif defined(__aarch64__)
    {"neon float32", neon_float32, 4},
    {"neon int8", neon_int8, 4},
    {"neon_dot int8", neon_dot_int8, 16},
#endif
};
#define KERNELS (sizeof kernels / sizeof kernels[0])
#define LEVELS 3

int main(int count, char **arguments)
{
    static const char *levels[LEVELS] = {"l1", "l2", "memory"};
    double best[KERNELS] = {0}, rate[LEVELS] = {0};
    void (*read)(const char *, size_t) = read_plain;
    size_t bytes[LEVELS];
    int wanted[KERNELS] = {0};
    if (count < 1 + LEVELS) {
        return 2;
    }
    for (int level = 0; level < LEVELS; level++) {
        bytes[level] = strtoul(arguments[1 + level], NULL, 10);
    }
    for (int k = 1 + LEVELS; k < count; k++) {
#if defined(HAS_AMX)
        if (strcmp(arguments[k], "amx_int8 int8") == 0 && !has_tiles()) {
            continue;
        }
#endif
        for (size_t i = 0; i < KERNELS; i++) {
            wanted[i] |= strcmp(arguments[k], kernels[i].name) == 0;
        }
#if defined(__x86_64__)
        read = strcmp(arguments[k], "avx2 int8") == 0 ? read_avx2 : read;
#endif
    }
    char *memory = malloc(bytes[LEVELS - 1]);
    if (memory == NULL) {
        return 1;
    }
    memset(memory, 1, bytes[LEVELS - 1]);
    const double started = now();
    for (int round = 0; round < ROUNDS && (round < 4 || now() - started < 1e6); round++) {
        for (size_t i = 0; i < KERNELS; i++) {
            for (int run = 0; wanted[i] && run < 20; run++) {
                const double begin = now();
                kernels[i].run();
                const double done = (double)CHAINS * TURNS * kernels[i].each / (now() - begin);
                best[i] = done > best[i] ? done : best[i];
            }
        }
        for (int level = 0; level < (round % 2 ? LEVELS - 1 : LEVELS); level++) {
            const size_t passes = level < 2 ? 1 + ((size_t)1 << 21) / bytes[level] : 1;
            const double begin = now();
            for (size_t pass = 0; pass < passes; pass++) {
                read(memory, bytes[level]);
                __asm__ volatile("" ::: "memory");
            }
            const double done = (double)(passes * bytes[level]) / (now() - begin);
            rate[level] = done > rate[level] ? done : rate[level];
        }
    }
    for (size_t i = 0; i < KERNELS; i++) {
        if (wanted[i]) {
            printf("%s\t%.3f\n", kernels[i].name, best[i]);
        }
    }
    for (int level = 0; level < LEVELS; level++) {
        printf("%s\t%.3f\n", levels[level], rate[level]);
    }
    free(memory);
    return 0;
}

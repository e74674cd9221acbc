static inline __m512i model_all_512(int32_t value)
{
    return _mm512_set1_epi32(value);
}

/* Each lane's four values meet the same four weights. Written out: compilers else take all these
   broadcasts out of the loop, have no registers for them, and load them from the stack. */
static inline __m512i model_product_of_all_512(__m512i sum, __m512i values, const int8_t *weights)
{
#if defined(__AVX512VNNI__)
    __asm__("vpdpbusd {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}"
            : "+v"(sum)
            : "v"(values), "m"(*(const int8_t (*)[4])weights));
    return sum;
#else
    int32_t four;
    memcpy(&four, weights, sizeof four);
    return _mm512_dpbusd_epi32(sum, values, _mm512_set1_epi32(four));
#endif
}

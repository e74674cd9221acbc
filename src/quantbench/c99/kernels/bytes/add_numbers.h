/* The numbers of model_add_layer in every lane. */
typedef struct {
    MODEL_REGISTER low_m, high_m, low, high, offset, q_min, q_max;
    __m128i shift;
} MODEL_V(add_numbers);

static inline MODEL_V(add_numbers) MODEL_V(add_numbers_of)(const model_add_layer *l)
{
    MODEL_V(add_numbers) n;
    n.low_m = MODEL_MM(set1_epi32)((int32_t)(l->a_low | l->b_low << 16));
    n.high_m = MODEL_MM(set1_epi32)((int32_t)(l->a_high | l->b_high << 16));
    n.low = MODEL_MM(set1_epi32)((int32_t)l->low);
    n.high = MODEL_MM(set1_epi32)((int32_t)l->high);
    n.offset = MODEL_MM(set1_epi32)(l->offset);
    n.q_min = MODEL_MM(set1_epi8)((char)l->q_min);
    n.q_max = MODEL_MM(set1_epi8)((char)l->q_max);
    n.shift = _mm_cvtsi32_si128(l->shift);
    return n;
}

/* high >> shift, and at a tie the even integer: there no bits are left of either part. */
static inline MODEL_REGISTER MODEL_V(shifted_to_even)(MODEL_REGISTER high, MODEL_REGISTER low,
                                                      __m128i shift)
{
    const MODEL_REGISTER up = MODEL_MM(srl_epi32)(high, shift), one = MODEL_MM(set1_epi32)(1);
    MODEL_REGISTER left = MODEL_MM(sub_epi32)(high, MODEL_MM(sll_epi32)(up, shift));
    left = MODEL_OR(left, MODEL_AND(low, MODEL_MM(set1_epi32)(0x7FFF)));
    const MODEL_REGISTER tie = MODEL_MM(srli_epi32)(MODEL_MM(sub_epi32)(left, one), 31);
    return MODEL_MM(sub_epi32)(up, MODEL_AND(tie, up));
}

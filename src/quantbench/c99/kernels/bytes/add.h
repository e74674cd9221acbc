/* zero + round(((a - a_zero) a_m + (b - b_zero) b_m) 2**-s), by the numbers of model_add_layer.
   A byte of either tensor, as 16 bits each, meets both of its multipliers' parts in one product. */
static inline MODEL_REGISTER MODEL_V(added)(MODEL_REGISTER pairs, MODEL_V(add_numbers) n)
{
    const MODEL_REGISTER low = MODEL_MM(add_epi32)(MODEL_MM(madd_epi16)(pairs, n.low_m), n.low);
    MODEL_REGISTER high = MODEL_MM(add_epi32)(MODEL_MM(madd_epi16)(pairs, n.high_m), n.high);
    high = MODEL_MM(add_epi32)(high, MODEL_MM(srli_epi32)(low, 15));
    return MODEL_MM(add_epi32)(MODEL_ADD_SHIFTED(high, low, n.shift), n.offset);
}

/* Unpacking and packing both keep to parts of 128 bits, so that the order is as before. */
static inline MODEL_REGISTER MODEL_V(sum_of_bytes)(MODEL_REGISTER a, MODEL_REGISTER b,
                                                   MODEL_V(add_numbers) n)
{
    const MODEL_REGISTER zero = MODEL_MM(set1_epi32)(0), low = MODEL_MM(unpacklo_epi8)(a, b),
                         high = MODEL_MM(unpackhi_epi8)(a, b);
    const MODEL_REGISTER first =
        MODEL_MM(packs_epi32)(MODEL_V(added)(MODEL_MM(unpacklo_epi8)(low, zero), n),
                              MODEL_V(added)(MODEL_MM(unpackhi_epi8)(low, zero), n));
    const MODEL_REGISTER second =
        MODEL_MM(packs_epi32)(MODEL_V(added)(MODEL_MM(unpacklo_epi8)(high, zero), n),
                              MODEL_V(added)(MODEL_MM(unpackhi_epi8)(high, zero), n));
    const MODEL_REGISTER bytes = MODEL_MM(packus_epi16)(first, second);
    return MODEL_MM(min_epu8)(MODEL_MM(max_epu8)(bytes, n.q_min), n.q_max);
}

static void MODEL_V(add)(const model_add_layer *l, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    const MODEL_V(add_numbers) n = MODEL_V(add_numbers_of)(l);
    const int32_t bytes = (int32_t)sizeof(MODEL_REGISTER);
    MODEL_REGISTER first, second, sum;
    int32_t k = 0;
    for (; k + bytes <= l->count; k += bytes) {
        memcpy(&first, a + k, sizeof first);
        memcpy(&second, b + k, sizeof second);
        sum = MODEL_V(sum_of_bytes)(first, second, n);
        memcpy(out + k, &sum, sizeof sum);
    }
    if (k < l->count) {
        const size_t rest = (size_t)(l->count - k);
        memset(&first, 0, sizeof first);
        memset(&second, 0, sizeof second);
        memcpy(&first, a + k, rest);
        memcpy(&second, b + k, rest);
        sum = MODEL_V(sum_of_bytes)(first, second, n);
        memcpy(out + k, &sum, rest);
    }
}

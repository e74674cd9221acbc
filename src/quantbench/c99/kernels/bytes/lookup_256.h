/* 32 bytes at once looked up in a table of 256, in 16 steps. A shuffle looks the lower half of each
   index up in 16 bytes, and gives 0 for an index of 128 or more. From step to step 16 is taken away
   from each index, which thus is one of 0 to 127 in the last eight steps up to its own; what they
   give together, by exclusive or, is what the table has there. From the eighth step on, an index that
   has come down below 0 stays there. */
static inline __m256i model_looked_up_256(const uint8_t *parts, __m256i index)
{
    const __m256i sixteen = _mm256_set1_epi8(16);
    __m256i result = _mm256_setzero_si256();
    for (int k = 0; k < 16; k++) {
        __m128i part;
        memcpy(&part, parts + 16 * k, sizeof part);
        result = _mm256_xor_si256(
            result, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(part), index));
        index = k < 8 ? _mm256_sub_epi8(index, sixteen) : _mm256_subs_epi8(index, sixteen);
    }
    return result;
}

static void model_lookup_256(const uint8_t *parts, const uint8_t *in, uint8_t *out, int32_t count)
{
    for (int32_t k = 0; k < count; k += 32) {
        const size_t size = count - k < 32 ? (size_t)(count - k) : 32;
        __m256i index = _mm256_setzero_si256();
        if (size == 32) {
            memcpy(&index, in + k, 32);
            index = model_looked_up_256(parts, index);
            memcpy(out + k, &index, 32);
        } else {
            memcpy(&index, in + k, size);
            index = model_looked_up_256(parts, index);
            memcpy(out + k, &index, size);
        }
    }
}

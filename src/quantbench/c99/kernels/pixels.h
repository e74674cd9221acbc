/* One channel's factors in every lane. */
static inline factors_512 factors_of_all(int32_t m, int32_t shift)
{
    factors_512 f;
    f.m_even = f.m_odd = _mm512_set1_epi64(m);
    f.shift_even = f.shift_odd = _mm512_set1_epi64(shift);
    f.half_even = f.half_odd = _mm512_sllv_epi64(_mm512_set1_epi64(1), _mm512_set1_epi64(shift - 1));
    return f;
}

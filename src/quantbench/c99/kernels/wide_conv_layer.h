/* A convolution with weights of 16 bits, [output][row][column][input], and sums of 64. */
typedef struct {
    const int16_t *weights;
    const int64_t *bias, *m;
    int32_t height, width, channels, group_in, group_out;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w;
    int32_t in_zero, shift, zero, low, high;
} model_wide_conv_layer;

/* Counts CMSIS-NN's instructions for a network, and compares its answers with those of Kindling's
   reference. network.h is written by the tool
   `c_network`; measure.sh builds and runs this. */

#include <stddef.h>
#include <stdint.h>

#include "arm_nnfunctions.h"
#include "network.h"

/* From the linker script. */
extern uint32_t stack_top;

/* SysTick counts the core's clock. HERTZ is that of the emulated board. */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
#define TICKS (1u << 24)

/* In the emulator each instruction takes a nanosecond. */
#define INSTRUCTIONS_PER_SECOND 1000000000ull

/* How far off the count of a loop of known length may be. */
#define CHECKED_INSTRUCTIONS 2000000
#define TOLERANCE 200

static int8_t maps[MAP_BYTES] __attribute__((aligned(16)));
static int8_t scratch[64 * 1024] __attribute__((aligned(16)));
static int32_t kernel_sums[DENSE_LAYERS][UNITS_MAX];
static int32_t scratch_bytes;

/* Semihosting: 0x04 writes a text, 0x18 ends the program. */
static void host(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void end(const char *text, int success) {
    host(0x04, text);
    host(0x18, (const void *)(uintptr_t)(success ? 0x20026 : 0x20023));
    for (;;) {}
}

static void print_number(const char *name, uint32_t number) {
    char digits[12], *at = digits + sizeof digits;
    *--at = 0;
    do *--at = '0' + number % 10; while (number /= 10);
    host(0x04, name);
    host(0x04, at);
}

static uint32_t now(void) { return SYST_CVR; }

static uint32_t instructions_since(uint32_t moment) {
    uint32_t ticks = (moment - now()) % TICKS;
    return (uint32_t)(ticks * INSTRUCTIONS_PER_SECOND / HERTZ);
}

static int counter_is_right(void) {
    uint32_t before = now(), times = CHECKED_INSTRUCTIONS / 2;
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(times) : : "cc");
    int32_t off = (int32_t)instructions_since(before) - CHECKED_INSTRUCTIONS;
    return -TOLERANCE < off && off < TOLERANCE;
}

static const cmsis_nn_activation ANY = {-128, 127};

static cmsis_nn_dims map_of(const Size *size) {
    return (cmsis_nn_dims){1, size->height, size->width, size->channels};
}

/* What a layer needs beside its maps. */
static cmsis_nn_context with_scratch(int32_t bytes) {
    if (bytes > (int32_t)sizeof scratch) end("the scratch memory is too small\n", 0);
    if (bytes > scratch_bytes) scratch_bytes = bytes;
    return (cmsis_nn_context){scratch, bytes};
}

static cmsis_nn_tile padding_of(const Layer *layer) {
    return (cmsis_nn_tile){layer->padding.width, layer->padding.height};
}

static cmsis_nn_per_channel_quant_params per_channel(const Layer *layer) {
    return (cmsis_nn_per_channel_quant_params){
        (int32_t *)layer->multipliers, (int32_t *)layer->shifts};
}

static arm_cmsis_nn_status conv(const Layer *layer, const int8_t *input, int8_t *output) {
    const cmsis_nn_dims from = map_of(&layer->input), to = map_of(&layer->output);
    const cmsis_nn_dims filter = {to.c, layer->kernel.height, layer->kernel.width, from.c};
    const cmsis_nn_dims bias = {1, 1, 1, to.c};
    const cmsis_nn_conv_params parameters = {
        layer->input_offsets[0], layer->output_offset, {layer->stride.width, layer->stride.height},
        padding_of(layer), {1, 1}, ANY};
    const cmsis_nn_per_channel_quant_params quant = per_channel(layer);
    const cmsis_nn_context context = with_scratch(
        arm_convolve_wrapper_s8_get_buffer_size(&parameters, &from, &filter, &to));
    return arm_convolve_wrapper_s8(&context, &parameters, &quant, &from, input, &filter,
                                   layer->weights, &bias, layer->biases, &to, output);
}

static arm_cmsis_nn_status depthwise(const Layer *layer, const int8_t *input, int8_t *output) {
    const cmsis_nn_dims from = map_of(&layer->input), to = map_of(&layer->output);
    const cmsis_nn_dims filter = {1, layer->kernel.height, layer->kernel.width, to.c};
    const cmsis_nn_dims bias = {1, 1, 1, to.c};
    const cmsis_nn_dw_conv_params parameters = {
        layer->input_offsets[0], layer->output_offset, to.c / from.c,
        {layer->stride.width, layer->stride.height}, padding_of(layer), {1, 1}, ANY};
    const cmsis_nn_per_channel_quant_params quant = per_channel(layer);
    const cmsis_nn_context context = with_scratch(
        arm_depthwise_conv_wrapper_s8_get_buffer_size(&parameters, &from, &filter, &to));
    return arm_depthwise_conv_wrapper_s8(&context, &parameters, &quant, &from, input, &filter,
                                         layer->weights, &bias, layer->biases, &to, output);
}

static cmsis_nn_pool_params pool_of(const Layer *layer) {
    return (cmsis_nn_pool_params){
        {layer->stride.width, layer->stride.height}, padding_of(layer), ANY};
}

static arm_cmsis_nn_status average_pool(const Layer *layer, const int8_t *input, int8_t *output) {
    const cmsis_nn_dims from = map_of(&layer->input), to = map_of(&layer->output);
    const cmsis_nn_dims window = {1, layer->kernel.height, layer->kernel.width, 1};
    const cmsis_nn_pool_params parameters = pool_of(layer);
    const cmsis_nn_context context = with_scratch(arm_avgpool_s8_get_buffer_size(to.w, from.c));
    return arm_avgpool_s8(&context, &parameters, &from, input, &window, &to, output);
}

static arm_cmsis_nn_status max_pool(const Layer *layer, const int8_t *input, int8_t *output) {
    const cmsis_nn_dims from = map_of(&layer->input), to = map_of(&layer->output);
    const cmsis_nn_dims window = {1, layer->kernel.height, layer->kernel.width, 1};
    const cmsis_nn_pool_params parameters = pool_of(layer);
    const cmsis_nn_context context = {NULL, 0};
    return arm_max_pool_s8(&context, &parameters, &from, input, &window, &to, output);
}

static int32_t values_of(const Size *size) {
    return size->height * size->width * size->channels;
}

/* Values of both inputs are shifted to the left by so much. */
#define ADD_SHIFT 20

static arm_cmsis_nn_status add(const Layer *layer, const int8_t *input, const int8_t *second,
                               int8_t *output) {
    const int32_t *multipliers = layer->multipliers, *shifts = layer->shifts;
    return arm_elementwise_add_s8(input, second, layer->input_offsets[0], multipliers[0],
                                  shifts[0], layer->input_offsets[1], multipliers[1], shifts[1],
                                  ADD_SHIFT, output, layer->output_offset, multipliers[2],
                                  shifts[2], ANY.min, ANY.max, values_of(&layer->output));
}

/* A difference has 5 bits before its point, and 26 after it. */
static arm_cmsis_nn_status softmax(const Layer *layer, const int8_t *input, int8_t *output) {
    const int32_t shift = layer->shifts[0], least = -(int32_t)((31u << 26) >> shift);
    const int32_t channels = layer->output.channels;
    arm_softmax_s8(input, values_of(&layer->output) / channels, channels, layer->multipliers[0],
                   shift, least, output);
    return ARM_CMSIS_NN_SUCCESS;
}

static arm_cmsis_nn_status dense(const Layer *layer, int32_t *sums, const int8_t *input,
                                 int8_t *output) {
    const int32_t inputs = values_of(&layer->input), units = layer->output.channels;
    const cmsis_nn_dims from = {1, 1, 1, inputs}, filter = {inputs, 1, 1, units};
    const cmsis_nn_dims bias = {1, 1, 1, units}, to = {1, 1, 1, units};
    const cmsis_nn_fc_params parameters = {
        layer->input_offsets[0], 0, layer->output_offset, ANY};
    const cmsis_nn_quant_params quant = {
        (int32_t *)layer->multipliers, (int32_t *)layer->shifts, layer->is_per_channel};
    const cmsis_nn_context context = {sums, sizeof kernel_sums[0]};
    return arm_fully_connected_wrapper_s8(&context, &parameters, &quant, &from, input, &filter,
                                          layer->weights, &bias, layer->biases, &to, output);
}

/* The vector kernels want the sums of the weights; an interpreter makes them once at the start. */
static void prepare(void) {
    int dense_layer = 0;
    for (size_t index = 0; index < LAYERS; index++) {
        const Layer *layer = &layers[index];
        if (layer->kind == DENSE)
            arm_vector_sum_s8(kernel_sums[dense_layer++], values_of(&layer->input),
                              layer->output.channels, layer->weights, layer->input_offsets[0], 0,
                              layer->biases);
    }
}

/* What the image, or layer number `made_by`, counted from 1, holds. */
static const int8_t *map_by(int made_by, const int8_t *image) {
    return made_by == 0 ? image : maps + layers[made_by - 1].place;
}

/* The answer to an image. */
static const int8_t *run(const int8_t *image) {
    int dense_layer = 0;
    for (size_t index = 0; index < LAYERS; index++) {
        const Layer *layer = &layers[index];
        const int8_t *input = map_by(layer->inputs[0], image);
        const int8_t *second = map_by(layer->inputs[1], image);
        int8_t *output = maps + layer->place;
        arm_cmsis_nn_status status = ARM_CMSIS_NN_NO_IMPL_ERROR;
        switch (layer->kind) {
            case CONV: status = conv(layer, input, output); break;
            case DEPTHWISE: status = depthwise(layer, input, output); break;
            case AVERAGE_POOL: status = average_pool(layer, input, output); break;
            case ADD: status = add(layer, input, second, output); break;
            case SOFTMAX: status = softmax(layer, input, output); break;
            case MAX_POOL: status = max_pool(layer, input, output); break;
            case DENSE: status = dense(layer, kernel_sums[dense_layer++], input, output); break;
        }
        if (status != ARM_CMSIS_NN_SUCCESS) end("a layer is refused\n", 0);
    }
    return map_by(LAYERS, image);
}

/* Not part of start, which may use no vectors yet. */
__attribute__((noinline)) static void measure(void) {
    SYST_RVR = TICKS - 1;
    SYST_CVR = 0;
    SYST_CSR = 5;
    if (!counter_is_right()) end("the counter is wrong: run with -icount shift=0\n", 0);
    prepare();
    uint64_t sum = 0;
    for (size_t image = 0; image < IMAGES; image++) {
        uint32_t before = now();
        const int8_t *found = run(images[image]);
        sum += instructions_since(before);
        for (size_t value = 0; value < ANSWERS; value++)
            if (found[value] != answers[image][value]) end("another answer\n", 0);
    }
    print_number("", (uint32_t)(sum / IMAGES));
    print_number(" ", scratch_bytes);
    end("\n", 1);
}

void start(void) {
    /* The floating point and vector unit, where there is one. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
    measure();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, start};

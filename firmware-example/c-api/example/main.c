/* A C program that classifies ten digits with libkindling.a, on the emulated Cortex-M4
   (MPS2 AN386). */

#include "kindling.h"

/* From data.s: the model, the images and their labels, and a model that is planned for streams. */
extern const uint8_t model[], model_end[], images[], labels[], stream[], stream_end[];

/* From the linker script. */
extern uint32_t stack_top;

/* Known from `trainer inspect`; kindling_sizes checks it. */
static int8_t arena[16384] __attribute__((aligned(16)));

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

/* Where the next row lies, and how many there are; the outputs of a stream. */
typedef struct { const uint8_t *next; size_t bytes, left, outputs; } Rows;

static bool next_row(void *context, uint8_t *row) {
    Rows *rows = context;
    if (rows->left == 0) return false;
    rows->left--;
    for (size_t at = 0; at < rows->bytes; at++) row[at] = *rows->next++;
    return true;
}

static void on_scores(void *context, const int8_t *scores, size_t scores_len, size_t best) {
    Rows *rows = context;
    rows->outputs += scores_len == 4 && best < 4 && scores[best] >= scores[0];
}

void start(void) {
    /* The vector unit of the Cortex-M4F, which Rust's hard-float target may use. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    KindlingSizes sizes;
    size_t model_bytes = (size_t)(model_end - model);
    KindlingStatus checked = kindling_sizes(model, model_bytes, &sizes);
    if (checked != KINDLING_STATUS_OK || sizes.arena_bytes > sizeof arena)
        end("the model is bad or needs more memory\n", 0);
    if (kindling_sizes(model, model_bytes - 1, &sizes) != KINDLING_STATUS_BAD_MODEL)
        end("a model that is cut off was accepted\n", 0);
    uint8_t row[28];
    Rows samples = {images, 6, 130, 0};
    if (kindling_stream(model, model_bytes, arena, sizeof arena, next_row, on_scores, &samples, row,
                        sizeof row) != KINDLING_STATUS_NOT_A_STREAM)
        end("a model that is no stream was accepted\n", 0);
    /* Its window has 128 rows, so the last three of 130 complete an output each. */
    KindlingStatus streamed = kindling_stream(stream, (size_t)(stream_end - stream), arena,
                                              sizeof arena, next_row, on_scores, &samples, row, 6);
    if (streamed != KINDLING_STATUS_OK || samples.outputs != 3) end("C: wrong stream\n", 0);
    size_t right = 0;
    for (size_t index = 0; index < 10; index++) {
        int8_t scores[10];
        size_t best;
        const uint8_t *image = images + index * sizes.image_bytes;
        KindlingStatus status = kindling_run(model, model_bytes, arena, sizes.arena_bytes, image,
                                             sizes.image_bytes, scores, sizeof scores, &best);
        right += status == KINDLING_STATUS_OK && best == labels[index];
        int8_t by_rows[10];
        Rows rows = {image, sizes.row_bytes, sizes.image_bytes / sizes.row_bytes, 0};
        status = kindling_run_rows(model, model_bytes, arena, sizes.arena_bytes, next_row, &rows,
                                   row, sizes.row_bytes, by_rows, sizeof by_rows, &best);
        if (status != KINDLING_STATUS_OK) end("C: rows are refused\n", 0);
        for (size_t class = 0; class < 10; class++)
            if (by_rows[class] != scores[class]) end("C: rows give other scores\n", 0);
    }
    end(right == 10 ? "C: 10 of 10 right\n" : "C: wrong answers\n", right == 10);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, start};

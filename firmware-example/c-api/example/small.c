/* The model that is built into a library of just the parts that it needs: see ../run.sh. */

#include "board.h"
#include "kindling.h"

/* From data.s. The model that is built in is planned for this core; this one needs other parts. */
extern const uint8_t unplanned[], unplanned_end[], images[], labels[];

static int8_t arena[16384] __attribute__((aligned(16)));
static uint8_t memory[KINDLING_HANDLE_BYTES(0)] __attribute__((aligned(16)));

#ifdef LOADS
#ifdef NAMES
static bool same(const char *text, const char *other) {
    for (; *text != 0 && *text == *other; text++) other++;
    return *text == *other;
}
#endif

/* That a library without the parts of another plan says so, and names the first. */
static void load_the_other_plan(void) {
    static uint8_t room[KINDLING_HANDLE_BYTES(6)] __attribute__((aligned(16)));
    size_t layer, bytes = (size_t)(unplanned_end - unplanned);
    KindlingHandle *handle;
    if (kindling_load(room, sizeof room, unplanned, bytes, &handle, &layer) !=
            KINDLING_STATUS_PART_NOT_BUILT || layer != 0)
        end("C: a part that is not built is not missed\n", 0);
#ifdef NAMES
    const char *part = kindling_missing_part(room, sizeof room, unplanned, bytes);
    if (part == NULL || !same(part, "direct"))
        end("C: the part that is not built has another name\n", 0);
#endif
}
#endif

void program(void) {
    KindlingHandle *handle;
    KindlingInfo info;
    size_t best, right = 0;
#ifdef LOADS
    load_the_other_plan();
#endif
    if (kindling_load_built_in(memory, sizeof memory, &handle) != KINDLING_STATUS_OK ||
        kindling_info(handle, &info) != KINDLING_STATUS_OK)
        end("C: no built-in model\n", 0);
    for (size_t index = 0; index < 10; index++) {
        int8_t scores[10];
        const uint8_t *image = images + index * info.input_values;
        right += kindling_run_u8(handle, arena, sizeof arena, image, info.input_values) ==
                     KINDLING_STATUS_OK &&
                 kindling_scores(handle, 0, scores, 10, &best) == KINDLING_STATUS_OK &&
                 best == labels[index];
    }
    if (right != 10) end("C, built in: wrong answers\n", 0);
    end("C, built in: 10 of 10 right\n", 1);
}

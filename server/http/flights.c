// SPDX-License-Identifier: EUPL-1.2
// A loop's two flights. A 204 means "on disk", so a request is parked until the flight that carries
// its view has landed. The store may keep a flight for as long as the disk takes; a loop that must
// end before lets go of it (`home` becomes NULL) and the writer's thread frees it.
#include "flights.h"

#include "parked.h"
#include "reply.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

// Tallies without a view (declined, bots) go with the next view, or after this long by themselves:
// they are no promise to anybody, and each journey is a write.
#define TALLIES_WAIT_MS 1000

// A flight leaves when it fills a block of the journal (records of 53 bytes in 4 KiB), or so long
// after the one before: on a fast disk each view would else be a write of its own. Where two in a
// row found no company, the next ones leave at once, and then it is tried again (docs/adr/0022).
#define GROUP_VIEWS 64
#define GROUP_NS 4000000LL
#define LONELY_AT_MOST 2
#define AT_ONCE 64

struct craft {
    h2o_multithread_message_t message; // the way home; first, so that a message is its craft
    struct bal_flight flight;
    h2o_linklist_t parked;
    int64_t opened_ns; // when the first tally came, 0: none
    bool away;         // of the loop's thread
    bal_status status; // of the landing

    pthread_mutex_t lock;             // guards home
    h2o_multithread_receiver_t *home; // NULL once the loop has gone
};

static void craft_destroy(struct craft *craft)
{
    bal_flight_finish(&craft->flight);
    pthread_mutex_destroy(&craft->lock);
    free(craft);
}

/** On the writer's thread. */
static void on_landed(struct bal_flight *flight, bal_status status)
{
    struct craft *craft = flight->owner;
    craft->status = status;
    // The lock is held while the message is sent: the receiver's queue cannot go meanwhile.
    pthread_mutex_lock(&craft->lock);
    const bool homeless = !craft->home;
    if (!homeless)
        h2o_multithread_send_message(craft->home, &craft->message);
    pthread_mutex_unlock(&craft->lock);
    if (homeless)
        craft_destroy(craft);
}

static struct craft *craft_create(const struct bal_config *config, uint32_t capacity,
                                  h2o_multithread_receiver_t *home)
{
    struct craft *craft = bal_calloc(1, sizeof *craft);
    bal_flight_init(&craft->flight, config->site_count, capacity);
    craft->flight.network_views_at_most = (capacity + 1) / 2;
    craft->flight.landed = on_landed;
    craft->flight.owner = craft;
    h2o_linklist_init_anchor(&craft->parked);
    craft->home = home;
    pthread_mutex_init(&craft->lock, NULL);
    return craft;
}

void flights_init(struct flights *flights, struct bal_store *store, const struct bal_config *config,
                  const struct bal_clock *clock, struct counters *counters,
                  h2o_multithread_receiver_t *inbox)
{
    *flights =
        (struct flights){.store = store, .clock = clock, .counters = counters, .inbox = inbox};
    const int64_t half = config->public_side.queue_views / 2;
    assert(half <= UINT32_MAX);
    const uint32_t capacity = half > 0 ? (uint32_t)half : 1;
    for (int i = 0; i < 2; i++)
        flights->crafts[i] = craft_create(config, capacity, inbox);
}

static struct craft *filling(const struct flights *flights)
{
    return flights->crafts[flights->filling];
}

static struct craft *other(const struct flights *flights)
{
    return flights->crafts[1 - flights->filling];
}

/** Whether waiting pays, from how many views left together. */
static void learn(struct flights *flights, uint32_t views)
{
    if (flights->at_once > 0) {
        flights->at_once--;
        return;
    }
    flights->lonely = views > 1 ? 0 : flights->lonely + 1;
    if (flights->lonely == LONELY_AT_MOST) {
        flights->lonely--;
        flights->at_once = AT_ONCE;
    }
}

static void depart(struct flights *flights)
{
    struct craft *craft = filling(flights);
    assert(!craft->away && !other(flights)->away);
    craft->away = true;
    flights->departed_ns = bal_clock_steady_ns();
    learn(flights, craft->flight.count);
    flights->filling = 1 - flights->filling;
    counter_add(&flights->counters->flights, 1);
    bal_store_submit(flights->store, &craft->flight);
}

struct bal_flight *flights_room(struct flights *flights)
{
    if (flights->grounded)
        return NULL;
    struct craft *craft = filling(flights);
    if (!bal_flight_next(&craft->flight)) {
        if (other(flights)->away)
            return NULL;
        // One turn may bring more than a flight carries.
        depart(flights);
        craft = filling(flights);
    }
    // Tallies may have waited; the views of a flight count when its first one came. Of a clock that
    // was set back the store takes no notice: visitors are hashed under the keys of its day.
    if (craft->flight.count == 0) {
        const int64_t now_ms = bal_clock_now_ms(flights->clock);
        const int64_t store_ms = bal_store_time_ms(flights->store);
        craft->flight.time_ms = now_ms > store_ms ? now_ms : store_ms;
    }
    return &craft->flight;
}

void flights_park(struct flights *flights, h2o_req_t *req)
{
    counter_add(&flights->counters->boarded, 1);
    parked_add(&filling(flights)->parked, req);
}

void flights_tallied(struct flights *flights)
{
    struct craft *craft = filling(flights);
    if (craft->opened_ns == 0)
        craft->opened_ns = bal_clock_steady_ns();
}

void flights_overloaded(struct flights *flights, uint16_t site)
{
    if (flights->grounded)
        return;
    filling(flights)->flight.outcomes[site][BAL_OVERLOADED]++;
    flights_tallied(flights);
}

static int64_t tallies_left_ms(const struct craft *craft)
{
    const int64_t waited = (bal_clock_steady_ns() - craft->opened_ns) / 1000000;
    return waited < TALLIES_WAIT_MS ? TALLIES_WAIT_MS - waited : 0;
}

static int64_t group_left_ns(const struct flights *flights)
{
    const int64_t waited = bal_clock_steady_ns() - flights->departed_ns;
    return waited < GROUP_NS ? GROUP_NS - waited : 0;
}

static bool has_waited(const struct flights *flights)
{
    const uint32_t count = filling(flights)->flight.count;
    return count >= GROUP_VIEWS ||
           (count > 0 && (flights->at_once > 0 || group_left_ns(flights) == 0));
}

void flights_turn(struct flights *flights, bool hurry)
{
    const struct craft *craft = filling(flights);
    if (flights->grounded || other(flights)->away)
        return;
    const bool tallied = craft->opened_ns != 0;
    if (has_waited(flights) || (hurry && craft->flight.count > 0) ||
        (tallied && (hurry || tallies_left_ms(craft) == 0)))
        depart(flights);
}

int32_t flights_patience(const struct flights *flights)
{
    const struct craft *craft = filling(flights);
    // Away: the landing wakes the loop.
    if (flights->grounded || other(flights)->away)
        return INT32_MAX;
    if (craft->flight.count > 0)
        return (int32_t)((group_left_ns(flights) + 999999) / 1000000);
    return craft->opened_ns == 0 ? INT32_MAX : (int32_t)tallies_left_ms(craft);
}

bool flights_busy(const struct flights *flights)
{
    const struct craft *craft = filling(flights);
    return !flights->grounded &&
           (other(flights)->away || craft->flight.count > 0 || craft->opened_ns != 0);
}

static void answer(h2o_linklist_t *parked, bal_status status)
{
    for (h2o_req_t *req = parked_take(parked); req; req = parked_take(parked)) {
        if (status == BAL_OK)
            reply_empty(req, 204);
        else
            reply_busy(req, "The view could not be stored.");
    }
}

static void land(struct flights *flights, struct craft *craft)
{
    const bal_status status = craft->status;
    const enum bal_outcome outcome = status == BAL_OK ? BAL_ACCEPTED : BAL_STORE_FAILED;
    counter_add(&flights->counters->outcomes[outcome], craft->flight.count);
    bal_flight_reset(&craft->flight, 0);
    craft->opened_ns = 0;
    craft->away = false;

    // The next flight leaves before this one's requests are answered: the disk works meanwhile.
    h2o_linklist_t parked;
    h2o_linklist_init_anchor(&parked);
    h2o_linklist_insert_list(&parked, &craft->parked);
    if (!flights->grounded && has_waited(flights))
        depart(flights);
    answer(&parked, status);
}

void flights_on_landed(struct flights *flights, h2o_linklist_t *messages)
{
    while (!h2o_linklist_is_empty(messages)) {
        struct craft *craft = H2O_STRUCT_FROM_MEMBER(struct craft, message.link, messages->next);
        h2o_linklist_unlink(&craft->message.link);
        land(flights, craft);
    }
}

void flights_ground(struct flights *flights)
{
    if (flights->grounded)
        return;
    flights->grounded = true;
    for (int i = 0; i < 2; i++) {
        struct craft *craft = flights->crafts[i];
        answer(&craft->parked, BAL_EBUSY);
        pthread_mutex_lock(&craft->lock);
        // A craft that has landed already waits in the inbox: it is ours again.
        const bool landed = h2o_linklist_is_linked(&craft->message.link);
        const bool lost = craft->away && !landed;
        if (lost)
            craft->home = NULL;
        pthread_mutex_unlock(&craft->lock);
        if (lost)
            flights->crafts[i] = NULL;
    }
}

void flights_finish(struct flights *flights)
{
    flights_ground(flights);
    for (int i = 0; i < 2; i++)
        if (flights->crafts[i])
            craft_destroy(flights->crafts[i]);
    *flights = (struct flights){0};
}

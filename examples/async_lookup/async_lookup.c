/* SPDX-License-Identifier: Apache-2.0
 *
 * Async look-up: each order gets the name and city of its customer from a service that takes its time. An async function asks it for many
 * rows at once; what comes out has the order of what went in.
 *
 *     orders ──▶ look up (ordered, 50 in flight, 5 s each, retried) ──▶ stdout
 *                  │ ▲
 *                  ▼ │ tr_async_complete, on their own threads
 *                four threads, a connection each: the service
 *
 * The service is played by a table in memory that takes a millisecond for an answer, and loses each tenth order the first time.
 */
#include <tailrace/tailrace.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define IN_FLIGHT 50

enum { ORDER, CUSTOMER, CENTS };                   /* columns of the orders */
enum { OUT_ORDER, OUT_NAME, OUT_CITY, OUT_CENTS }; /* and of what comes out */

/* The service: what one connection can be asked. */

struct customer {
	const char *name, *city;
};

static const struct customer CUSTOMERS[] = {{"Ada", "London"},       {"Emmy", "Erlangen"}, {"Grace", "New York"},
					    {"Hedy", "Vienna"},      {"Mary", "Hampton"},  {"Sofya", "Moscow"},
					    {"Katherine", "Sulphur"}};

static _Atomic bool has_lost[100];

/** False: the connection was lost. *found is NULL for a customer that nobody knows. */
static bool ask(int64_t order, int64_t id, const struct customer **found)
{
	usleep(1000);
	if (order % 10 == 0 && !atomic_exchange(&has_lost[order / 10 % 100], true))
		return false;
	*found = id >= 1 && id <= (int64_t)(sizeof(CUSTOMERS) / sizeof(CUSTOMERS[0])) ? &CUSTOMERS[id - 1] : NULL;
	return true;
}

/* The client: threads with a queue of requests. One for each subtask. */

struct client {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tr_async_request *queue[IN_FLIGHT]; /* a ring: there are never more */
	unsigned first, count;
	bool is_over;
	pthread_t threads[THREADS];
};

/** The next request; NULL: it is over. */
static struct tr_async_request *next_request(struct client *client)
{
	struct tr_async_request *request = NULL;

	pthread_mutex_lock(&client->lock);
	while (client->count == 0 && !client->is_over)
		pthread_cond_wait(&client->changed, &client->lock);
	if (client->count > 0) {
		request = client->queue[client->first];
		client->first = (client->first + 1) % IN_FLIGHT;
		client->count--;
	}
	pthread_mutex_unlock(&client->lock);
	return request;
}

static void answer(struct tr_async_request *request, const struct customer *customer)
{
	const struct tr_row row = tr_async_row(request);
	struct tr_collector *out = tr_async_out(request);

	tr_collector_set_column(out, OUT_ORDER, &row, ORDER);
	tr_collector_set_column(out, OUT_CENTS, &row, CENTS);
	if (customer != NULL) { /* else both stay NULL */
		tr_collector_set_text(out, OUT_NAME, customer->name, (uint32_t)strlen(customer->name));
		tr_collector_set_text(out, OUT_CITY, customer->city, (uint32_t)strlen(customer->city));
	}
	tr_collector_add(out);
	tr_async_complete(request);
}

static void *work(void *argument)
{
	struct tr_async_request *request;

	while ((request = next_request(argument)) != NULL) {
		const struct tr_row row = tr_async_row(request);
		const struct customer *customer;

		if (ask(tr_row_i64(&row, ORDER), tr_row_i64(&row, CUSTOMER), &customer))
			answer(request, customer);
		else
			tr_async_fail(request, TR_ERR_UNAVAILABLE, "the connection was lost");
	}
	return NULL;
}

/* The function. */

static tr_code open_client(struct tr_context *context, struct tr_status *st)
{
	struct client *client = calloc(1, sizeof(*client));

	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->changed, NULL);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&client->threads[i], NULL, work, client) != 0)
			abort();
	tr_context_set_own(context, client);
	return TR_OK;
}

static tr_code look_up(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		       struct tr_status *st)
{
	struct client *client = tr_context_own(context);

	pthread_mutex_lock(&client->lock);
	client->queue[(client->first + client->count++) % IN_FLIGHT] = request;
	pthread_cond_signal(&client->changed);
	pthread_mutex_unlock(&client->lock);
	return TR_OK;
}

/** What is still in the queue when the job ends early is answered, too: to nobody, but each request is completed once. */
static void close_client(struct tr_context *context)
{
	struct client *client = tr_context_own(context);

	pthread_mutex_lock(&client->lock);
	client->is_over = true;
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(client->threads[i], NULL);
	pthread_cond_destroy(&client->changed);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const struct tr_async_function function =
		TR_MAKE(tr_async_function, .open = open_client, .on_row = look_up, .close = close_client);
	const struct tr_async_options options =
		TR_MAKE(tr_async_options, .capacity = IN_FLIGHT, .timeout_ms = 5000,
			.retry = {.retries_max = 10, .delay_ms = 5, .multiplier = 2, .on_error = tr_async_if_error});
	/* -v FILE=path */
	const char *file = argc > 1 ? argv[1] + sizeof("FILE=") - 1 : "examples/async_lookup/orders.csv";
	const char *const connector[] = {"connector", "filesystem", "path", file, "format", "csv", NULL};
	struct tr_stream *orders, *named;

	orders = tr_env_from_connector(env, "orders", "id BIGINT, customer BIGINT, cents BIGINT", connector, NULL);
	named = tr_stream_async(orders, "id BIGINT, name STRING, city STRING, cents BIGINT", &function, &options);
	tr_stream_print(tr_stream_uid(tr_stream_name(named, "look up"), "look-up"));
	return TR_OK;
}

TR_PLUGIN(build)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of a table, for the files that make up the table (state/table.h says what a page is).
 *
 *     slots   (1 << slot_bits) of them and one more that is always free, so that a walk need not look for the end
 *     home    lower half of the hash, masked; linear probing, around the end; removal shifts back
 *     marks   three bits a slot, in three rows of words:
 *               DIRTY    has the stamp dirty_epoch, the greatest in the page
 *               BEFORE   has an older stamp and is due for the next snapshot
 *               WRITTEN  was written for checkpoint `visited`, due again if that is given up
 *             A mark too many costs a look, a missing one an entry: stamps decide.
 *             When a quarter of all slots has changed since a barrier, no marks are kept until the next, nor behind that
 *             one: then all slots of all pages are looked at, which costs less than a mark for each change.
 *
 * A page's number is its place in table->pages; the directory entry repeats address and mask of the slots, which is all
 * that a look-up needs.
 */
#ifndef TR_STATE_TABLE_PAGE_H
#define TR_STATE_TABLE_PAGE_H

#include "base/check.h"
#include "base/hash.h"
#include "state/key_group.h"
#include "state/table.h"

#define TR_PAGE_BITS_MIN 6
#define TR_PAGE_BITS_FULL 11 /* at most; larger pages split, unless their keys cannot be told apart */
#define TR_PAGE_BYTES_FULL ((size_t)128 << 10)
#define TR_PAGE_BITS_MAX 26 /* slots of such a page must be less than 4 GiB */
#define TR_SLOT_BYTES_MAX 4096
#define TR_PAGE_DEPTH_MAX 28
#define TR_SLOT_BODY 16 /* where expiry or value begin */
#define TR_BLOB_NONE UINT32_MAX

enum tr_slot_flags {
	TR_SLOT_DEAD = 1,   /* a tombstone */
	TR_SLOT_NEW = 2,    /* no record of this key has ever been written */
	TR_SLOT_RECENT = 4, /* used since the clock's hand came by */
	TR_SLOT_GONE = 8,   /* has just been put into the file: leaves when the page is rebuilt */
};

struct tr_slot {
	uint64_t word;  /* the key, or the hash of a byte key */
	uint32_t stamp; /* 0: free */
	uint32_t flags;
};

/** A byte key and its value in the heap of a page. The key follows, then, aligned to 8, the value. */
struct tr_blob {
	uint32_t partition;
	uint32_t key_length;
	uint32_t value_length;
	uint32_t value_room; /* bytes, a multiple of 8 */
};

enum tr_mark { TR_MARK_DIRTY, TR_MARK_BEFORE, TR_MARK_WRITTEN, TR_MARK_COUNT };

struct tr_cold_file;

/** The head of a page. Marks follow, then, aligned to a cache line, slots: so all of it shares a huge page. */
struct tr_page {
	char *slots; /* the first change of a slot needs what is in this cache line */
	uint64_t *marks;
	uint32_t dirty_epoch;
	uint32_t visited; /* the last checkpoint for which it was gone through */
	uint32_t used;    /* slots that are not free */
	uint32_t dead;    /* tombstones among them */
	uint32_t number;
	uint8_t depth;
	uint8_t slot_bits;
	uint64_t prefix; /* first `depth` bits of its hashes */
	char *heap;
	uint32_t heap_room, heap_used, heap_garbage; /* in units of 8 bytes */
};

struct tr_table_place { /* of the directory */
	char *slots;
	uint32_t mask;
	uint32_t page;
};

/** Records that are being put together, and those that wait for a writer. */
struct tr_gathered {
	struct tr_gathered *next;
	size_t length, room;
	uint32_t count; /* entries */
	char bytes[];
};

struct tr_table_snapshot {
	bool is_active;
	uint32_t checkpoint, completed;
	uint64_t rewrite_before;
	bool has_whole;                    /* a page may be due as a whole */
	bool is_visited;                   /* all pages were gone through */
	uint64_t next_hash;                /* else: those before this hash */
	struct tr_gathered *open[2];       /* of live entries, of tombstones */
	struct tr_gathered *first, **last; /* full ones, in order */
	struct tr_gathered *spare;
	size_t bytes; /* allocated */
};

struct tr_table {
	struct tr_table_options options;
	uint32_t slot_bytes, value_offset;
	uint32_t full_bits; /* pages of so many slots split: up to 2,048, fewer when they are large */
	uint32_t depth;     /* the directory has 1 << depth places, at least 2 */
	struct tr_table_place *directory;
	struct tr_page **pages;
	uint64_t *base;      /* by page: the age from which on it needs records; 0: nothing was written yet */
	uint64_t *rewritten; /* by page: base, once the checkpoint of that age is complete; 0: none */
	uint32_t page_count, page_room;
	uint64_t count;
	uint32_t epoch;      /* the stamp of what changes now */
	uint32_t completed;  /* newest complete checkpoint that is known */
	bool is_full;        /* no marks are kept under this stamp */
	uint32_t full_epoch; /* the last such stamp */
	uint64_t changed;    /* how many slots have got this stamp */
	uint64_t moves;      /* how often slots or heaps have moved */
	int64_t now_ms;
	size_t bytes;
	uint32_t sweep_page;
	char **blocks; /* from which full pages are cut */
	uint32_t block_count;
	char *free_pages; /* memory for full ones, linked by its first word */
	struct tr_table_snapshot snapshot;
	struct tr_cold_file *cold; /* with a memory limit */
	bool is_held;
	bool is_preparing; /* keys of a batch are being read */
	struct tr_status status;
	void **scratch; /* pointers for a batch */
	uint32_t scratch_room;
};

static inline struct tr_slot *tr_slot_at(const struct tr_table *table, char *slots, uint32_t index)
{
	return (struct tr_slot *)(void *)(slots + (size_t)index * table->slot_bytes);
}

static inline int64_t *tr_slot_expiry(struct tr_slot *slot) { return (int64_t *)(void *)((char *)slot + TR_SLOT_BODY); }

/** Where a byte key and its value are: in units of 8 bytes from the heap's begin. */
static inline uint32_t *tr_slot_blob_at(const struct tr_table *table, struct tr_slot *slot)
{
	return (uint32_t *)(void *)((char *)slot + table->value_offset);
}

static inline struct tr_blob *tr_slot_blob(const struct tr_table *table, const struct tr_page *page,
					   struct tr_slot *slot)
{
	return (struct tr_blob *)(void *)(page->heap + (size_t)*tr_slot_blob_at(table, slot) * 8);
}

static inline char *tr_blob_key(struct tr_blob *blob) { return (char *)(blob + 1); }
static inline char *tr_blob_value(struct tr_blob *blob)
{
	return (char *)(blob + 1) + ((blob->key_length + 7) & ~(uint32_t)7);
}

static inline uint64_t tr_slot_hash(const struct tr_table *table, const struct tr_slot *slot)
{
	return table->options.has_byte_keys ? slot->word : tr_hash_u64(slot->word);
}

static inline uint64_t tr_table_key_hash(const struct tr_table_key *key)
{
	return (uint64_t)key->partition << 32 | (uint32_t)tr_hash_bytes(key->bytes, key->length);
}

static inline bool tr_slot_is_expired(const struct tr_table *table, struct tr_slot *slot)
{
	return table->options.ttl_ms > 0 && *tr_slot_expiry(slot) <= table->now_ms;
}

/** Whether the slot may vanish without a trace. */
static inline bool tr_slot_is_needless(const struct tr_table *table, struct tr_slot *slot)
{
	if (tr_slot_is_expired(table, slot))
		return true;
	return (slot->flags & TR_SLOT_DEAD) != 0 && slot->stamp <= table->completed;
}

static inline struct tr_table_place *tr_table_place_of(const struct tr_table *table, uint64_t hash)
{
	return &table->directory[hash >> (64 - table->depth)];
}

/** Bytes of a page before its slots. */
static inline size_t tr_page_head_bytes(uint32_t slots)
{
	return (sizeof(struct tr_page) + (size_t)slots / 64 * TR_MARK_COUNT * sizeof(uint64_t) + 63) & ~(size_t)63;
}

static inline struct tr_page *tr_table_page_of(const struct tr_table *table, uint64_t hash)
{
	const struct tr_table_place *place = tr_table_place_of(table, hash);

	return (struct tr_page *)(void *)(place->slots - tr_page_head_bytes(place->mask + 1));
}

/** Makes the first page of an empty table. */
void tr_page_begin(struct tr_table *table);
/** Frees all pages, their blocks and the directory. */
void tr_page_end(struct tr_table *table);

/** Room for one more slot in the page of the hash: rebuilds it, doubles or splits it. Pages and slots move. */
void tr_page_make_room(struct tr_table *table, uint64_t hash);

/** Takes out of the page what has expired and tombstones that are no longer needed; makes it smaller if it can be. */
void tr_page_rebuild(struct tr_table *table, uint32_t number);

/** Takes what is gone out of a page and makes it as small as can be. */
void tr_page_shrink(struct tr_table *table, uint32_t number);

/** A free slot for the hash in its page, which has room. The slot is the caller's to fill, stamp first. */
struct tr_slot *tr_page_insert(struct tr_table *table, struct tr_page *page, uint64_t hash);

/** Frees a slot, moving those behind it back. */
void tr_page_remove(struct tr_table *table, struct tr_page *page, struct tr_slot *slot);

/** A blob for this key with room for the value, whose bytes are zeros. The heap may move. */
uint32_t tr_page_blob(struct tr_table *table, struct tr_page *page, const struct tr_table_key *key,
		      uint32_t value_length);
/** The blob of a slot is not needed any more. */
void tr_page_blob_free(struct tr_page *page, const struct tr_blob *blob);

static inline bool tr_page_has_room(const struct tr_page *page)
{
	return page->used + 1 <= ((uint32_t)13 << page->slot_bits >> 4);
}

/** Words of a row of marks, and a row. */
static inline uint32_t tr_page_words(const struct tr_page *page) { return (uint32_t)1 << (page->slot_bits - 6); }
static inline uint64_t *tr_page_marks(const struct tr_page *page, enum tr_mark row)
{
	return page->marks + ((size_t)row << (page->slot_bits - 6));
}

/** What is marked in one row is marked in another instead. */
static inline void tr_page_marks_move(struct tr_page *page, enum tr_mark from, enum tr_mark to)
{
	uint64_t *restrict source = tr_page_marks(page, from), *restrict target = tr_page_marks(page, to);

	for (uint32_t w = 0; w < tr_page_words(page); w++) {
		target[w] |= source[w];
		source[w] = 0;
	}
}

static inline uint32_t tr_page_index(const struct tr_table *table, const struct tr_page *page,
				     const struct tr_slot *slot)
{
	return (uint32_t)((const char *)slot - page->slots) / table->slot_bytes; /* 32 bits divide fast */
}

/** The slot has just changed for the first time under this stamp. */
static inline void tr_page_stamp(struct tr_table *table, struct tr_page *page, struct tr_slot *slot)
{
	const uint32_t index = tr_page_index(table, page, slot);

	slot->stamp = table->epoch;
	table->changed++;
	if (table->is_full)
		return;
	if (page->dirty_epoch != table->epoch) {
		tr_page_marks_move(page, TR_MARK_DIRTY, TR_MARK_BEFORE);
		page->dirty_epoch = table->epoch;
	}
	page->marks[index >> 6] |= UINT64_C(1) << (index & 63);
}

/** The slot is as it was at the barrier, and is about to change. What it was at the barrier is written if that is still
 * due. Before every change of a slot whose stamp is not the table's. */
void tr_table_save_before(struct tr_table *table, uint64_t hash, struct tr_slot *slot);

/** The same for slots of int64 keys without expiry that are known to be due. */
void tr_table_save_due(struct tr_table *table, struct tr_slot *const *slots, uint32_t count);

/** The age of the oldest records that a page needs; 0: nothing of it was written yet. */
static inline uint64_t tr_page_base(const struct tr_table *table, uint32_t page)
{
	const uint64_t rewritten = table->rewritten[page];

	return rewritten != 0 && tr_state_age_checkpoint(rewritten) <= table->completed ? rewritten : table->base[page];
}

/** Whether marks cost more than they save. */
static inline bool tr_table_is_mostly_changed(const struct tr_table *table)
{
	return table->changed >= table->count / 4;
}

/** Gives up what is left of a snapshot, if there is one. */
void tr_table_snapshot_end(struct tr_table *table);

/** The slot of a key, dead, expired or not; NULL: none. */
struct tr_slot *tr_table_slot_i64(const struct tr_table *table, int64_t key);
struct tr_slot *tr_table_slot(const struct tr_table *table, const struct tr_table_key *key, uint64_t hash);

#endif

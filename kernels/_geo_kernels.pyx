"""The inner loops of the minutes, compiled: searches, pairs, nearest streets.

Each does what arrays at once do beside its caller in `geo`, to the last bit: the sums are the same and are
taken in the same order, and a multiplication is never fused with an addition (`-ffp-contract=off`). Every
array is checked and laid out by the caller; no loop holds the interpreter's lock.
"""

import numpy as np

cimport cython
from libc.math cimport INFINITY, ceil, floor, sqrt
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc

# To be raised with every change of what a function takes or gives: `geo.kernels` asks for this number.
VERSION = 1

cdef double TIE_M = 1e-9
cdef double MARGIN_M = 1e-6


cdef enum:
    BUCKETS = 1024
    NONE = -1


cdef struct Label:
    double minutes
    int32_t row
    int32_t node
    int32_t below


cdef struct Queue:
    # Labels by slices of the limit, each slice a pile: the one above knows the one below.
    Label* labels
    Py_ssize_t size
    Py_ssize_t room
    double slices
    int32_t top[BUCKETS]


cdef inline int push(Queue* queue, double minutes, int64_t row, int64_t node) noexcept nogil:
    """Put a label on the pile of its slice; -1 where memory is out."""
    cdef Label* wider
    cdef Py_ssize_t slice = <Py_ssize_t>min(minutes * queue.slices, BUCKETS - 1)
    if queue.size == queue.room:
        wider = <Label*>realloc(queue.labels, 2 * queue.room * sizeof(Label))
        if wider == NULL:
            return -1
        queue.labels, queue.room = wider, 2 * queue.room
    queue.labels[queue.size] = Label(minutes, <int32_t>row, <int32_t>node, queue.top[slice])
    queue.top[slice] = <int32_t>queue.size
    queue.size += 1
    return 0


cdef inline bint pop(Queue* queue, Py_ssize_t slice, Label* label) noexcept nogil:
    """Take the label on top of a slice's pile, if there is one."""
    if queue.top[slice] == NONE:
        return False
    label[0] = queue.labels[queue.top[slice]]
    queue.top[slice] = label.below
    return True


cdef int begin(Queue* queue, double limit) except -1:
    cdef Py_ssize_t slice
    queue.size, queue.room = 0, 4096
    # A slice is a minute at most: labels of one slice come in any order, and many would come too often.
    queue.slices = max(BUCKETS / limit, 1.0) if limit > 0.0 else 1.0
    for slice in range(BUCKETS):
        queue.top[slice] = NONE
    queue.labels = <Label*>malloc(queue.room * sizeof(Label))
    if queue.labels == NULL:
        raise MemoryError
    return 0


@cython.final
cdef class Streets:
    """The arcs between the search nodes of a window (`geo.windows`), whose nodes are numbered anew.

    Parameters
    ----------
    first, head, minutes
        Arcs of the whole network: where those of each node begin, where they lead, how long they take.
    nodes, tile, shift
        Nodes of the window; tile of each node of the whole; what is added to a node of a tile to get its number
        in the window, negative outside. All empty where the window is the whole.
    """

    cdef const int32_t[::1] first
    cdef const int32_t[::1] head
    cdef const double[::1] minutes
    cdef const int64_t[::1] nodes
    cdef const int64_t[::1] tile
    cdef const int64_t[::1] shift
    cdef bint whole
    cdef Py_ssize_t count

    def __init__(self, first, head, minutes, nodes, tile, shift):
        self.first, self.head, self.minutes = first, head, minutes
        self.nodes, self.tile, self.shift = nodes, tile, shift
        self.whole = len(shift) == 0
        self.count = len(first) - 1 if self.whole else len(nodes)

    cdef inline int64_t node(self, int64_t place) noexcept nogil:
        return place if self.whole else self.nodes[place]

    cdef inline int64_t place(self, int64_t node) noexcept nogil:
        return node if self.whole else node + self.shift[self.tile[node]]


cdef inline int reach(
    Queue* queue, double* minutes, int64_t* nearest, int64_t place, double there, int64_t row
) noexcept nogil:
    """Come to a node, if nobody was there before; -1 where memory is out."""
    if there > minutes[place]:
        return 0
    if there == minutes[place] and (nearest == NULL or row >= nearest[place]):
        return 0
    minutes[place] = there
    if nearest != NULL:
        nearest[place] = row
    return push(queue, there, row, place)


cdef int spread(Streets streets, Queue* queue, double limit, double* minutes, int64_t* nearest) noexcept nogil:
    """Go on from all labels, slice after slice; -1 where memory is out.

    Within a slice labels come in any order: who is bettered later goes on again.
    """
    cdef Label label
    cdef Py_ssize_t slice, arc
    cdef int64_t node, place
    cdef double there
    cdef int state = 0
    for slice in range(BUCKETS):
        while pop(queue, slice, &label):
            if label.minutes != minutes[label.node] or (nearest != NULL and label.row != nearest[label.node]):
                continue
            node = streets.node(label.node)
            for arc in range(streets.first[node], streets.first[node + 1]):
                there = label.minutes + streets.minutes[arc]
                if there <= limit:
                    place = streets.place(streets.head[arc])
                    if place >= 0:
                        state |= reach(queue, minutes, nearest, place, there, label.row)
    queue.size = 0
    return state


def search(
    Streets streets,
    const int64_t[::1] seed_first,
    const int64_t[::1] seed_place,
    const double[::1] seed_minutes,
    const int64_t[::1] seed_row,
    double limit,
    double[:, ::1] minutes,
    int64_t[:, ::1] nearest,
):
    """Search from the seeds of each row of `minutes` by themselves, up to a limit; of equal minutes the first row wins.

    Parameters
    ----------
    seed_first, seed_place, seed_minutes, seed_row
        Where the seeds of each search begin; their places in the window, minutes and rows (0 or more).
    minutes
        (searches, nodes of the window) all `inf`; takes the answer.
    nearest
        (searches, nodes) all -1; takes the row of the nearest. (0, 0) where nobody asks.
    """
    cdef Queue queue
    cdef Py_ssize_t number, seed
    cdef double* mine
    cdef int64_t* whose = NULL
    cdef int state = 0
    if minutes.shape[1] == 0:
        return
    begin(&queue, limit)
    with nogil:
        for number in range(minutes.shape[0]):
            mine = &minutes[number, 0]
            if nearest.shape[0] > 0:
                whose = &nearest[number, 0]
            for seed in range(seed_first[number], seed_first[number + 1]):
                if seed_minutes[seed] <= limit:
                    state |= reach(&queue, mine, whose, seed_place[seed], seed_minutes[seed], seed_row[seed])
            state |= spread(streets, &queue, limit, mine, whose)
            if state < 0:
                break
    free(queue.labels)
    if state < 0:
        raise MemoryError


cdef struct Pair:
    int64_t row
    int64_t column
    double minutes


cdef struct Pairs:
    Pair* found
    Py_ssize_t size
    Py_ssize_t room


cdef inline int keep(Pairs* pairs, Pair pair) noexcept nogil:
    cdef Pair* wider
    if pairs.size == pairs.room:
        wider = <Pair*>realloc(pairs.found, (2 * pairs.room + 1024) * sizeof(Pair))
        if wider == NULL:
            return -1
        pairs.found, pairs.room = wider, 2 * pairs.room + 1024
    pairs.found[pairs.size] = pair
    pairs.size += 1
    return 0


@cython.final
cdef class _Best:
    """The least minutes of one origin to nodes and columns, put back to nothing after each."""

    cdef double[::1] minutes
    cdef double[::1] column_minutes
    cdef int64_t[::1] touched
    cdef int64_t[::1] columns
    cdef Py_ssize_t nodes_touched
    cdef Py_ssize_t columns_touched

    def __init__(self, Py_ssize_t nodes, Py_ssize_t columns):
        self.minutes, self.column_minutes = np.full(nodes, np.inf), np.full(columns, np.inf)
        self.touched, self.columns = np.empty(nodes, dtype=np.int64), np.empty(columns, dtype=np.int64)
        self.nodes_touched = self.columns_touched = 0

    cdef inline bint nearer(self, int64_t place, double minutes) noexcept nogil:
        if minutes >= self.minutes[place]:
            return False
        if self.minutes[place] == INFINITY:
            self.touched[self.nodes_touched] = place
            self.nodes_touched += 1
        self.minutes[place] = minutes
        return True

    cdef inline void column(self, int64_t column, double minutes) noexcept nogil:
        if minutes < self.column_minutes[column]:
            if self.column_minutes[column] == INFINITY:
                self.columns[self.columns_touched] = column
                self.columns_touched += 1
            self.column_minutes[column] = minutes

    cdef int spread(self, Streets streets, Queue* queue, double limit) noexcept nogil:
        """Go on from all labels, slice after slice, as the plain search does; -1 where memory is out."""
        cdef Label label
        cdef Py_ssize_t slice, arc
        cdef int64_t node, place
        cdef double there
        cdef int state = 0
        for slice in range(BUCKETS):
            while pop(queue, slice, &label):
                if label.minutes != self.minutes[label.node]:
                    continue
                node = streets.node(label.node)
                for arc in range(streets.first[node], streets.first[node + 1]):
                    there = label.minutes + streets.minutes[arc]
                    if there <= limit:
                        place = streets.place(streets.head[arc])
                        if place >= 0 and self.nearer(place, there):
                            state |= push(queue, there, 0, place)
        queue.size = 0
        return state

    cdef void ends(
        self,
        const int64_t[::1] first,
        const int64_t[::1] column,
        const double[::1] minutes,
        const double[::1] leg,
    ) noexcept nogil:
        """Go from the nodes that were reached to the ends beside them."""
        cdef Py_ssize_t each, at
        cdef int64_t node
        for each in range(self.nodes_touched):
            node = self.touched[each]
            for at in range(first[node], first[node + 1]):
                self.column(column[at], self.minutes[node] + minutes[at] + leg[at])

    cdef int close(self, Pairs* pairs, int64_t row, double limit) noexcept nogil:
        """Keep what is within the limit, and forget all."""
        cdef Py_ssize_t each
        cdef int64_t column
        cdef int state = 0
        for each in range(self.nodes_touched):
            self.minutes[self.touched[each]] = INFINITY
        for each in range(self.columns_touched):
            column = self.columns[each]
            if self.column_minutes[column] <= limit:
                state |= keep(pairs, Pair(row, column, self.column_minutes[column]))
            self.column_minutes[column] = INFINITY
        self.nodes_touched = self.columns_touched = 0
        return state


def pairs(
    Streets streets,
    const int64_t[::1] seed_first,
    const int64_t[::1] seed_place,
    const double[::1] seed_minutes,
    const int64_t[::1] end_first,
    const int64_t[::1] end_column,
    const double[::1] end_minutes,
    const double[::1] end_leg,
    const int64_t[::1] same_first,
    const int64_t[::1] same_column,
    const double[::1] same_minutes,
    double limit,
    Py_ssize_t columns,
):
    """Return rows, columns and minutes of all pairs within a limit: a row a search, a column a destination.

    Parameters
    ----------
    seed_first, seed_place, seed_minutes
        As :func:`search` takes them.
    end_first, end_column, end_minutes, end_leg
        (nodes of the window + 1,) where the ends of each node begin; the destination that is entered there, the
        minutes along its street and those of its leg.
    same_first, same_column, same_minutes
        Of each search the destinations on its own street, and the minutes straight to them, leg included.
    columns
        How many destinations there are.
    """
    cdef Queue queue
    cdef Pairs kept = Pairs(NULL, 0, 0)
    cdef _Best best = _Best(streets.count, columns)
    cdef Py_ssize_t number, at
    cdef int state = 0
    if streets.count == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    begin(&queue, limit)
    with nogil:
        for number in range(seed_first.shape[0] - 1):
            for at in range(seed_first[number], seed_first[number + 1]):
                if seed_minutes[at] <= limit and best.nearer(seed_place[at], seed_minutes[at]):
                    state |= push(&queue, seed_minutes[at], 0, seed_place[at])
            state |= best.spread(streets, &queue, limit)
            best.ends(end_first, end_column, end_minutes, end_leg)
            for at in range(same_first[number], same_first[number + 1]):
                best.column(same_column[at], same_minutes[at])
            state |= best.close(&kept, number, limit)
            if state < 0:
                break
    free(queue.labels)
    if state < 0:
        free(kept.found)
        raise MemoryError
    found = np.empty(kept.size, dtype=np.int64), np.empty(kept.size, dtype=np.int64), np.empty(kept.size)
    cdef int64_t[::1] to_row = found[0], to_column = found[1]
    cdef double[::1] to_minutes = found[2]
    for at in range(kept.size):
        to_row[at], to_column[at], to_minutes[at] = kept.found[at].row, kept.found[at].column, kept.found[at].minutes
    free(kept.found)
    return found


@cython.final
cdef class Lines:
    """Lines in square tiles, to look for the nearest one (`geo.tiles`, `geo.line_index`).

    Parameters
    ----------
    west, south, side_m, rows, columns
        The tiles.
    first, line
        Where the lines of each tile begin, and their numbers.
    boxes
        (lines, 4) west, south, east, north.
    xy, offset
        Vertices, and where each line begins among them.
    """

    cdef double west, south, side_m
    cdef int64_t rows, columns
    cdef const int64_t[::1] first
    cdef const int64_t[::1] line
    cdef const double[:, ::1] boxes
    cdef const double[:, ::1] xy
    cdef const int64_t[::1] offset

    def __init__(self, west, south, side_m, rows, columns, first, line, boxes, xy, offset):
        self.west, self.south, self.side_m, self.rows, self.columns = west, south, side_m, rows, columns
        self.first, self.line, self.boxes, self.xy, self.offset = first, line, boxes, xy, offset

    cdef double covered_m(self, double x, double y, int64_t row, int64_t column, int64_t ring) noexcept nogil:
        """Return how far around a place all lines lie in the tiles up to a ring."""
        cdef double metres = INFINITY
        if column - ring > 0:
            metres = min(metres, x - (self.west + (column - ring) * self.side_m))
        if column + ring < self.columns - 1:
            metres = min(metres, self.west + (column + ring + 1) * self.side_m - x)
        if row - ring > 0:
            metres = min(metres, y - (self.south + (row - ring) * self.side_m))
        if row + ring < self.rows - 1:
            metres = min(metres, self.south + (row + ring + 1) * self.side_m - y)
        return metres - MARGIN_M


cdef struct Foot:
    double metres
    double share
    int64_t vertex
    int64_t line


cdef enum:
    TIES = 64


cdef struct Near:
    # The least metres so far, and the feet that are no further by more than a tie.
    double best
    int count
    Foot feet[TIES]


cdef inline void note(Near* near, Foot foot) noexcept nogil:
    cdef int each, kept = 0
    if foot.metres < near.best:
        near.best = foot.metres
    if near.count == TIES:
        for each in range(near.count):
            if near.feet[each].metres <= near.best + TIE_M:
                near.feet[kept] = near.feet[each]
                kept += 1
        # So many at once meet in one point only: the one that comes first stays.
        near.count = kept if kept < TIES else 1
        if kept == TIES:
            for each in range(1, TIES):
                if near.feet[each].vertex < near.feet[0].vertex:
                    near.feet[0] = near.feet[each]
    near.feet[near.count] = foot
    near.count += 1


cdef inline double beyond(double at, double low, double high) noexcept nogil:
    return low - at if at < low else (at - high if at > high else 0.0)


cdef struct Place:
    # A place beside a segment: the square of its distance, and the share of the segment at which its foot stands.
    double square
    double share


cdef inline Place off_segment(Lines lines, Py_ssize_t vertex, double at_x, double at_y) noexcept nogil:
    """Return how far a place is from the segment that begins at a vertex, and at what share of it the foot stands."""
    cdef double start_x = lines.xy[vertex, 0], start_y = lines.xy[vertex, 1]
    cdef double along_x = lines.xy[vertex + 1, 0] - start_x, along_y = lines.xy[vertex + 1, 1] - start_y
    cdef double x = at_x - start_x, y = at_y - start_y
    cdef double square = along_x * along_x + along_y * along_y
    cdef double share = (x * along_x + y * along_y) / square if square > 0.0 else 0.0
    share = 0.0 if share < 0.0 else (1.0 if share > 1.0 else share)
    x, y = x - along_x * share, y - along_y * share
    return Place(x * x + y * y, share)


cdef void look(Lines lines, int64_t tile, const uint8_t[::1] chosen, double x, double y, Near* near) noexcept nogil:
    """Look at the lines of a tile."""
    cdef Py_ssize_t at, vertex
    cdef int64_t line
    cdef Place off
    cdef double off_x, off_y, span, metres
    for at in range(lines.first[tile], lines.first[tile + 1]):
        line = lines.line[at]
        if not chosen[line]:
            continue
        off_x = beyond(x, lines.boxes[line, 0], lines.boxes[line, 2])
        off_y = beyond(y, lines.boxes[line, 1], lines.boxes[line, 3])
        span = near.best + MARGIN_M
        if off_x * off_x + off_y * off_y > span * span:
            continue
        for vertex in range(lines.offset[line], lines.offset[line + 1] - 1):
            off = off_segment(lines, vertex, x, y)
            span = near.best + MARGIN_M
            if off.square <= span * span:
                metres = sqrt(off.square)
                if metres <= near.best + TIE_M:
                    note(near, Foot(metres, off.share, vertex, line))


cdef void settle(
    Lines lines, const uint8_t[::1] chosen, double x, double y, double most_m, Near* near
) noexcept nogil:
    """Look at ring after ring of tiles until nothing nearer can follow, and nothing within some metres."""
    cdef int64_t row = <int64_t>min(max(floor((y - lines.south) / lines.side_m), 0), lines.rows - 1)
    cdef int64_t column = <int64_t>min(max(floor((x - lines.west) / lines.side_m), 0), lines.columns - 1)
    cdef int64_t ring = 0, at_row, at_column, step
    cdef double off_x, off_y, span, covered
    near.best, near.count = most_m, 0
    while True:
        for at_row in range(max(row - ring, 0), min(row + ring, lines.rows - 1) + 1):
            off_y = beyond(y, lines.south + at_row * lines.side_m, lines.south + (at_row + 1) * lines.side_m)
            # Only the rim of the ring is new.
            step = 1 if ring == 0 or at_row == row - ring or at_row == row + ring else 2 * ring
            at_column = column - ring
            while at_column <= column + ring:
                if 0 <= at_column < lines.columns:
                    off_x = beyond(
                        x, lines.west + at_column * lines.side_m, lines.west + (at_column + 1) * lines.side_m
                    )
                    span = near.best + MARGIN_M
                    # What was put into the outermost tiles may lie beyond them.
                    if (
                        off_x * off_x + off_y * off_y <= span * span
                        or at_row in (0, lines.rows - 1)
                        or at_column in (0, lines.columns - 1)
                    ):
                        look(lines, at_row * lines.columns + at_column, chosen, x, y, near)
                at_column += step
        covered = lines.covered_m(x, y, row, column, ring)
        if near.best + TIE_M <= covered:
            return
        ring += 1


def nearest(
    Lines lines,
    const uint8_t[::1] chosen,
    const double[:, ::1] places,
    double within_m,
    int64_t[::1] line,
    int64_t[::1] vertex,
    double[::1] share,
    double[::1] metres,
):
    """Find the nearest line of each place within some metres; of those equally near the first vertex wins.

    Parameters
    ----------
    chosen
        (lines,) whether each line counts.
    places
        (n, 2) finite coordinates.
    line, vertex, share, metres
        (n,) take the answer: line, vertex at which the segment begins, share of the segment, distance; line stays
        as it is where none is near.
    """
    cdef Near near
    cdef Py_ssize_t place
    cdef int each, first
    cdef double least = INFINITY, x, y, off_x, off_y, most_m
    with nogil:
        for place in range(places.shape[0]):
            x, y, most_m = places[place, 0], places[place, 1], within_m
            if least < within_m:
                # What is nearest to the last place cannot be further than the way there and on.
                off_x, off_y = x - places[place - 1, 0], y - places[place - 1, 1]
                most_m = min(most_m, least + sqrt(off_x * off_x + off_y * off_y) + MARGIN_M)
            settle(lines, chosen, x, y, most_m, &near)
            first, least = -1, INFINITY
            for each in range(near.count):
                least = min(least, near.feet[each].metres)
            if least > within_m:
                continue
            for each in range(near.count):
                if near.feet[each].metres <= least + TIE_M:
                    if first < 0 or near.feet[each].vertex < near.feet[first].vertex:
                        first = each
            line[place], vertex[place] = near.feet[first].line, near.feet[first].vertex
            share[place], metres[place] = near.feet[first].share, least


cdef inline double partial(double minutes, double share) noexcept nogil:
    return 0.0 if share == 0.0 else minutes * share


def gather(
    const int64_t[::1] first,
    const int64_t[::1] count,
    const uint8_t[::1] wanted,
    const double[::1] start,
    const double[::1] end,
    const double[::1] by_start,
    const double[::1] by_end,
    double horizon,
    int64_t[::1] link,
    int64_t[::1] edge,
    double[::1] minutes,
    uint8_t[::1] over_start,
):
    """Find the links of some edges that are within a horizon, by the nearer end of the edge; return how many.

    Parameters
    ----------
    first, count
        (edges,) where the links of each begin, and how many there are.
    wanted
        (edges,) whether all links of an edge are wanted, however far.
    start, end
        (edges,) minutes at the ends.
    by_start, by_end
        (links,) minutes from the ends on.
    link, edge, minutes, over_start
        Take the answer: the link, which of the edges it is of, minutes, whether by the start.
    """
    cdef Py_ssize_t each, at, found = 0
    cdef double one, other
    with nogil:
        for each in range(first.shape[0]):
            for at in range(first[each], first[each] + count[each]):
                one, other = start[each] + by_start[at], end[each] + by_end[at]
                if one <= horizon or other <= horizon or wanted[each]:
                    link[found], edge[found] = at, each
                    minutes[found], over_start[found] = min(one, other), one <= other
                    found += 1
    return found


def gather_of_one(
    const int64_t[::1] first,
    const int64_t[::1] count,
    const int64_t[::1] edges,
    const double[::1] start,
    const double[::1] end,
    const double[::1] by_start,
    const double[::1] by_end,
    const double[::1] at,
    const double[::1] leg,
    const double[::1] along,
    const double[::1] against,
    const int64_t[::1] own_edge,
    const double[::1] own_at,
    const double[::1] own_leg,
    double horizon,
    int64_t[::1] link,
    double[::1] minutes,
    uint8_t[::1] over_start,
):
    """Find the links within a horizon as :func:`gather` does, of a search from one facility; return how many.

    On a street that the facility stands on one may go straight along it.

    Parameters
    ----------
    edges
        (n,) which edges these are.
    at, leg
        (links,) share of the street, and minutes of the leg.
    along, against
        (edges of the network,) minutes of whole edges there and back.
    own_edge, own_at, own_leg
        Where the facility stands: streets, shares of them, minutes.
    """
    cdef Py_ssize_t each, place, own, found = 0
    cdef int64_t edge
    cdef double one, other, least, ahead
    cdef bint stands
    with nogil:
        for each in range(first.shape[0]):
            edge, stands = edges[each], False
            for own in range(own_edge.shape[0]):
                stands |= own_edge[own] == edge
            for place in range(first[each], first[each] + count[each]):
                one, other = start[each] + by_start[place], end[each] + by_end[place]
                least = min(one, other)
                if stands:
                    # By the same sums as for people: the leg comes last.
                    least = min(
                        start[each] + partial(along[edge], at[place]),
                        end[each] + partial(against[edge], 1.0 - at[place]),
                    )
                    for own in range(own_edge.shape[0]):
                        if own_edge[own] == edge:
                            ahead = at[place] - own_at[own]
                            ahead = partial(along[edge], ahead) if ahead >= 0.0 else partial(against[edge], -ahead)
                            least = min(least, ahead + own_leg[own])
                    least += leg[place]
                if least <= horizon:
                    link[found], minutes[found], over_start[found] = place, least, one <= other
                    found += 1
    return found


cdef struct Own:
    # The one facility on a street: at which share of it, and its minutes; none where `minutes` is infinite.
    double at
    double minutes


@cython.final
cdef class Sides:
    """What is known of the streets that cells are linked to, and of the facilities on them.

    Parameters
    ----------
    vertex, edge
        (cells,) the segment and the street of each.
    xy, along_m, offset, along, against, ground_scale
        Vertices, metres from the start of each line, where lines begin; minutes of whole edges there and back;
        metres on the ground a metre of the plane.
    key, at, leg
        Facilities by field and edge, rising: `field * edges + edge`, share of the edge, minutes.
    metres_an_hour
        Speed of the legs.
    cap_m
        Longest leg.
    """

    cdef const int32_t[::1] vertex
    cdef const int32_t[::1] edge
    cdef const double[:, ::1] xy
    cdef const double[::1] along_m
    cdef const int64_t[::1] offset
    cdef const double[::1] along
    cdef const double[::1] against
    cdef const double[::1] ground_scale
    cdef const int64_t[::1] key
    cdef const double[::1] at
    cdef const double[::1] leg
    cdef double metres_an_hour, cap_m

    def __init__(
        self, vertex, edge, xy, along_m, offset, along, against, ground_scale, key, at, leg, metres_an_hour, cap_m
    ):
        self.vertex, self.edge, self.xy, self.along_m, self.offset = vertex, edge, xy, along_m, offset
        self.along, self.against, self.ground_scale = along, against, ground_scale
        self.key, self.at, self.leg = key, at, leg
        self.metres_an_hour, self.cap_m = metres_an_hour, cap_m

    cdef Py_ssize_t facility(self, int64_t field, int64_t cell) noexcept nogil:
        """Return the first facility of a field on the street of a cell, or on a later one."""
        cdef int64_t wanted = field * self.along.shape[0] + self.edge[cell]
        cdef Py_ssize_t low = 0, high = self.key.shape[0], middle
        while low < high:
            middle = (low + high) // 2
            if self.key[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    cdef inline bint bears(self, int64_t field, int64_t cell, Py_ssize_t place) noexcept nogil:
        """Say whether a facility is of a field and on the street of a cell."""
        return place < self.key.shape[0] and self.key[place] == field * self.along.shape[0] + self.edge[cell]

    cdef int how_many(self, int64_t field, int64_t cell) noexcept nogil:
        """Say whether no, one or more facilities of a field stand on the street of a cell."""
        cdef Py_ssize_t place = self.facility(field, cell)
        if not self.bears(field, cell, place):
            return 0
        return 2 if self.bears(field, cell, place + 1) else 1

    cdef Own own(self, int64_t field, int64_t cell) noexcept nogil:
        cdef Py_ssize_t place = self.facility(field, cell)
        if self.bears(field, cell, place):
            return Own(self.at[place], self.leg[place])
        return Own(0.0, INFINITY)


cdef enum Kind:
    EVEN
    ASKED
    SEVERAL
    BESIDE
    BETWEEN


def sort_out(
    Sides sides,
    const int64_t[::1] field,
    const int64_t[::1] inner,
    const int64_t[::1] outer,
    const uint8_t[::1] one_way,
    const double[::1] before,
    const double[::1] after,
    const double[::1] limit,
    double width,
    const int8_t[::1] side,
    const uint8_t[::1] choice,
    uint8_t[::1] kind,
    double[::1] share,
):
    """Say by which rule each pair of cells is crossed (`geo.crossings`), and where minutes rise evenly at what share.

    Parameters
    ----------
    field, inner, outer, one_way, before, after, limit
        (n,) as `geo.crossings.Crossings` has them; `outer` below zero where that cell is linked to nothing.
    side, choice
        (cells,) on which side of its street each lies; whether a second street may be quicker.
    kind, share
        (n,) take the answer.
    """
    cdef Py_ssize_t each
    cdef int64_t one, two
    cdef bint alike
    cdef int most
    cdef double rise
    with nogil:
        for each in range(field.shape[0]):
            one, two = inner[each], outer[each] if outer[each] >= 0 else inner[each]
            if choice[one] or choice[two]:
                kind[each] = Kind.ASKED
                continue
            most = max(sides.how_many(field[each], one), sides.how_many(field[each], two))
            rise = after[each] - before[each]
            alike = sides.vertex[one] == sides.vertex[two]
            if most > 1:
                kind[each] = Kind.SEVERAL
            elif (
                most == 0 and alike and outer[each] >= 0 and side[one] == side[two] and side[one] != 0
                and one_way[each] and rise <= width
            ):
                kind[each] = Kind.EVEN
                share[each] = (limit[each] - before[each]) / rise if rise > 0.0 else 0.0
            else:
                kind[each] = Kind.BESIDE if alike else Kind.BETWEEN


cdef struct Segment:
    double start_x
    double start_y
    double along_x
    double along_y
    double length_m
    double square
    double before_m
    double whole_m
    double along
    double against
    double by_start
    double by_end
    double leg
    double own_at
    double own_leg


cdef double END_M = 1e-6
cdef double ALIKE = 1e-12


cdef Segment segment(Sides sides, int64_t field, int64_t cell, double by_start, double by_end) noexcept nogil:
    cdef Segment found
    cdef int64_t vertex = sides.vertex[cell], edge = sides.edge[cell]
    cdef Own own = sides.own(field, cell)
    found.start_x, found.start_y = sides.xy[vertex, 0], sides.xy[vertex, 1]
    found.along_x, found.along_y = sides.xy[vertex + 1, 0] - found.start_x, sides.xy[vertex + 1, 1] - found.start_y
    found.square = found.along_x * found.along_x + found.along_y * found.along_y
    found.length_m = sqrt(found.square)
    if not found.square > 0.0:
        found.square = INFINITY
    found.before_m, found.whole_m = sides.along_m[vertex], sides.along_m[sides.offset[edge + 1] - 1]
    found.along, found.against = sides.along[edge], sides.against[edge]
    found.by_start, found.by_end = by_start, by_end
    found.leg = sides.ground_scale[edge] * 60.0 / sides.metres_an_hour
    found.own_at, found.own_leg = own.at, own.minutes
    return found


cdef inline Place beside(Segment* of, double at_x, double at_y) noexcept nogil:
    cdef double x = at_x - of.start_x, y = at_y - of.start_y
    cdef double share = (x * of.along_x + y * of.along_y) / of.square
    share = 0.0 if share < 0.0 else (1.0 if share > 1.0 else share)
    x, y = x - of.along_x * share, y - of.along_y * share
    return Place(x * x + y * y, share)


cdef inline bint nearer(Place* one, Place* other) noexcept nogil:
    """Say whether one place is nearer to its segment; the root is taken only where squares hardly differ."""
    if one.square < other.square * (1.0 - ALIKE):
        return True
    if one.square > other.square * (1.0 + ALIKE):
        return False
    return sqrt(one.square) < sqrt(other.square)


cdef inline double share_of(Segment* of, double share) noexcept nogil:
    """Return the share of the street at a share of its segment; at its ends exactly 0 or 1."""
    cdef double run = share * of.length_m + of.before_m
    if run < END_M:
        return 0.0
    if run > of.whole_m - END_M:
        return 1.0
    return run / of.whole_m if of.whole_m > 0.0 else 0.0


cdef inline double minutes_beside(Segment* of, double metres, double at) noexcept nogil:
    cdef double minutes = min(of.by_start + partial(of.along, at), of.by_end + partial(of.against, 1.0 - at)), ahead
    if of.own_leg < INFINITY:
        ahead = at - of.own_at
        minutes = min(minutes, (partial(of.along, ahead) if ahead >= 0.0 else partial(of.against, -ahead)) + of.own_leg)
    return minutes + metres * of.leg


def bisect(
    Sides sides,
    const int64_t[::1] field,
    const int64_t[::1] one_cell,
    const int64_t[::1] two_cell,
    const double[:, ::1] one_ends,
    const double[:, ::1] two_ends,
    const double[::1] limit,
    const double[::1] parted,
    const double[:, ::1] start,
    const double[:, ::1] way,
    int rounds,
    double[::1] share,
):
    """Find at what share of the way from one cell to another the minutes pass the limit, by halving.

    Parameters
    ----------
    field, one_cell, two_cell
        (n,) field and the two cells, which are linked to the nearer of two segments, or to one and the same.
    one_ends, two_ends
        (n, 2) minutes at the start and the end of the street of each cell.
    limit
        (n,) minutes.
    parted
        (n,) share of the way at which a barrier parts the two, NaN where none does.
    start, way
        (n, 2) metres: the first cell, and the way to the second.
    share
        (n,) takes the answer.
    """
    cdef Py_ssize_t each
    cdef int halving
    cdef Segment one, two
    cdef Segment* mine
    cdef Place near, far = Place(0.0, 0.0)
    cdef double low, high, middle, x, y, metres, square, at
    cdef bint alike, swap, served
    with nogil:
        for each in range(field.shape[0]):
            one = segment(sides, field[each], one_cell[each], one_ends[each, 0], one_ends[each, 1])
            alike = sides.vertex[one_cell[each]] == sides.vertex[two_cell[each]]
            if not alike:
                two = segment(sides, field[each], two_cell[each], two_ends[each, 0], two_ends[each, 1])
            low, high = 0.0, 1.0
            for halving in range(rounds):
                middle = (low + high) / 2.0
                x, y = start[each, 0] + way[each, 0] * middle, start[each, 1] + way[each, 1] * middle
                near = beside(&one, x, y)
                # Which way it goes nobody can foresee: the choices are made without a branch.
                swap = 0
                if not alike:
                    far = beside(&two, x, y)
                    swap = nearer(&far, &near) if parted[each] != parted[each] else middle > parted[each]
                mine = &two if swap else &one
                square, at = far.square if swap else near.square, far.share if swap else near.share
                metres = sqrt(square)
                served = (metres <= sides.cap_m) & (
                    minutes_beside(mine, metres, share_of(mine, at)) <= limit[each]
                )
                low, high = middle if served else low, high if served else middle
            share[each] = (low + high) / 2.0


def extents(
    const int64_t[::1] cell,
    const double[::1] minutes,
    const int64_t[::1] column,
    const int64_t[::1] row,
    const double[::1] limits,
    int64_t[:, ::1] boxes,
):
    """Find the first and last column and row of the cells within each limit; what has none stays as it is.

    Parameters
    ----------
    cell, minutes
        (n,) numbers of cells, and their minutes.
    column, row
        (cells,) where each lies.
    boxes
        (limits, 4) first column, first row, last column, last row; the first two above the last two.
    """
    cdef Py_ssize_t each, band
    cdef int64_t x, y
    with nogil:
        for each in range(cell.shape[0]):
            x, y = column[cell[each]], row[cell[each]]
            for band in range(limits.shape[0]):
                if minutes[each] <= limits[band]:
                    boxes[band, 0], boxes[band, 1] = min(boxes[band, 0], x), min(boxes[band, 1], y)
                    boxes[band, 2], boxes[band, 3] = max(boxes[band, 2], x), max(boxes[band, 3], y)


def lay(
    const int64_t[::1] cell,
    const double[::1] minutes,
    const int64_t[::1] column,
    const int64_t[::1] row,
    const int64_t[::1] box,
    int64_t first_row,
    int64_t before,
    double[:, ::1] sheet,
    int32_t[:, ::1] place,
):
    """Lay cells on a sheet, from a row of it on, as far as they lie in a box.

    Parameters
    ----------
    cell, minutes, column, row
        As :func:`extents` takes them.
    box
        First column and row, width and height.
    before
        The number of the first cell.
    sheet, place
        Take the minutes and the numbers.
    """
    cdef Py_ssize_t each
    cdef int64_t x, y
    with nogil:
        for each in range(cell.shape[0]):
            x, y = column[cell[each]] - box[0], row[cell[each]] - box[1]
            if 0 <= x < box[2] and 0 <= y < box[3]:
                sheet[first_row + y, x] = minutes[each]
                place[first_row + y, x] = <int32_t>(before + each)


def beside_contour(
    const double[:, ::1] points,
    double on_node,
    const double[:, ::1] values,
    const double[:, ::1] minutes,
    const int32_t[:, ::1] place,
    const int64_t[::1] first_row,
    const int64_t[:, ::1] corner,
    const uint8_t[::1] over_start,
    const int64_t[::1] cell,
    int64_t unknown,
    int64_t[::1] number,
    int64_t[:, ::1] inner,
    int64_t[:, ::1] outer,
    double[::1] before,
    double[::1] after,
    uint8_t[::1] one_way,
    int64_t[::1] inner_cell,
    int64_t[::1] outer_cell,
):
    """Find the two cells between which each vertex of a contour lies (`geo.surfaces`).

    Parameters
    ----------
    points
        (n, 2) columns and rows of the sheet.
    on_node
        How near to a whole number is on it.
    values, minutes, place
        The sheet: what was contoured, minutes, and numbers of cells, -1 where there is none.
    first_row, corner
        (zones + 1,) row at which each zone begins, and (zones, 2) its column and row over the whole plane.
    over_start, cell
        By number: whether the way leads over the start of the street, and the cell in the table.
    unknown
        What stands for no cell.
    number, inner, outer, before, after, one_way, inner_cell, outer_cell
        (n,) and (n, 2) take the answer, as `geo.crossings.Crossings` has it.
    """
    cdef Py_ssize_t each
    cdef int64_t x, y, far_x, far_y, zone = 0
    cdef int32_t known, other
    with nogil:
        for each in range(points.shape[0]):
            x, y = <int64_t>floor(points[each, 0] + on_node), <int64_t>floor(points[each, 1] + on_node)
            far_x, far_y = <int64_t>ceil(points[each, 0] - on_node), <int64_t>ceil(points[each, 1] - on_node)
            if values[y, x] > 0:
                x, y, far_x, far_y = far_x, far_y, x, y
            if y < first_row[zone]:
                zone = 0
            while y >= first_row[zone + 1]:
                zone += 1
            number[each] = zone
            inner[each, 0], inner[each, 1] = x + corner[zone, 0], y + corner[zone, 1] - first_row[zone]
            outer[each, 0], outer[each, 1] = far_x + corner[zone, 0], far_y + corner[zone, 1] - first_row[zone]
            before[each], after[each] = minutes[y, x], minutes[far_y, far_x]
            known, other = place[y, x], place[far_y, far_x]
            inner_cell[each] = cell[known]
            one_way[each] = other >= 0 and over_start[known] == over_start[other]
            outer_cell[each] = cell[other] if other >= 0 else unknown


def bounds(
    const double[::1] minutes,
    const int64_t[::1] nodes,
    const double[:, ::1] xy,
    double horizon,
    double quickest_m,
    double[::1] box,
):
    """Widen a box (west, south, east, north) to where one gets from reached nodes in the minutes that are left.

    Parameters
    ----------
    minutes, nodes
        (n,) minutes of some nodes, `inf` where not reached, and which they are; no nodes where these are all.
    xy
        (nodes, 2) where all stand.
    horizon, quickest_m
        Minutes in all, and metres that one gets in one.
    """
    cdef Py_ssize_t each, node
    cdef double span
    with nogil:
        for each in range(minutes.shape[0]):
            if minutes[each] < INFINITY:
                node = nodes[each] if nodes.shape[0] > 0 else each
                span = max(horizon - minutes[each], 0.0) * quickest_m
                box[0], box[1] = min(box[0], xy[node, 0] - span), min(box[1], xy[node, 1] - span)
                box[2], box[3] = max(box[2], xy[node, 0] + span), max(box[3], xy[node, 1] + span)


cdef bint any_line(Lines lines, int64_t tile, double x, double y, double metres) noexcept nogil:
    """Say whether a line of a tile comes within some metres of a place."""
    cdef Py_ssize_t at, vertex
    cdef int64_t line
    cdef double off_x, off_y
    for at in range(lines.first[tile], lines.first[tile + 1]):
        line = lines.line[at]
        off_x = beyond(x, lines.boxes[line, 0], lines.boxes[line, 2])
        off_y = beyond(y, lines.boxes[line, 1], lines.boxes[line, 3])
        if off_x * off_x + off_y * off_y > metres * metres:
            continue
        for vertex in range(lines.offset[line], lines.offset[line + 1] - 1):
            if off_segment(lines, vertex, x, y).square <= metres * metres:
                return True
    return False


cdef inline int64_t clipped(double at, int64_t count) noexcept nogil:
    return <int64_t>min(max(floor(at), 0), count - 1)


def any_within(Lines lines, const double[:, ::1] places, const double[::1] metres, uint8_t[::1] found):
    """Say which places (n, 2) have a line within some metres each, or a hair further; `found` (n,) is all 0."""
    cdef Py_ssize_t place
    cdef int64_t row, column, first_column, last_column, last_row
    cdef double x, y, most
    with nogil:
        for place in range(places.shape[0]):
            x, y, most = places[place, 0], places[place, 1], metres[place] + MARGIN_M
            first_column = clipped((x - most - lines.west) / lines.side_m, lines.columns)
            last_column = clipped((x + most - lines.west) / lines.side_m, lines.columns)
            last_row = clipped((y + most - lines.south) / lines.side_m, lines.rows)
            for row in range(clipped((y - most - lines.south) / lines.side_m, lines.rows), last_row + 1):
                for column in range(first_column, last_column + 1):
                    if not found[place] and any_line(lines, row * lines.columns + column, x, y, most):
                        found[place] = 1

"""What CPython's asyncio takes for a piece of work: NAME full|quick ROUNDS.

Prints nanoseconds for each operation, a line for each round.
"""

import asyncio
import sys
import time

NAME, SIZE, ROUNDS = sys.argv[1:]
QUICK = SIZE == "quick"
TIMES = 20 if QUICK else 20_000
MANY = 100 if QUICK else 10_000


async def queue_ping_pong():
    there, back = asyncio.Queue(), asyncio.Queue()

    async def pong():
        for _ in range(TIMES):
            await back.put(await there.get())

    task = asyncio.create_task(pong())
    start = time.perf_counter()
    for item in range(TIMES):
        await there.put(item)
        await back.get()
    elapsed = time.perf_counter() - start
    await task
    return elapsed / (2 * TIMES)


async def queue_stream(producers=1):
    queue = asyncio.Queue(100)

    async def produce():
        for item in range(TIMES // producers):
            await queue.put(item)

    tasks = [asyncio.create_task(produce()) for _ in range(producers)]
    start = time.perf_counter()
    for _ in range(TIMES // producers * producers):
        await queue.get()
    elapsed = time.perf_counter() - start
    await asyncio.gather(*tasks)
    return elapsed / max(1, TIMES // producers * producers)


async def queue_fan_in():
    return await queue_stream(10 if QUICK else 100)


async def lock_uncontended():
    lock = asyncio.Lock()
    start = time.perf_counter()
    for _ in range(TIMES):
        async with lock:
            pass
    return (time.perf_counter() - start) / TIMES


async def lock_contended():
    lock = asyncio.Lock()
    tasks, times = 100, max(1, TIMES // 100)

    async def worker():
        for _ in range(times):
            async with lock:
                await asyncio.sleep(0)

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(tasks)))
    return (time.perf_counter() - start) / (tasks * times)


async def future():
    slots = [None, None]
    loop = asyncio.get_running_loop()

    async def player(mine):
        for _ in range(TIMES):
            own = slots[mine] = loop.create_future()
            other = slots[1 - mine]
            if other is not None:
                slots[1 - mine] = None
                other.set_result(None)
            await own

    first = asyncio.create_task(player(0))
    second = asyncio.create_task(player(1))
    start = time.perf_counter()
    await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    elapsed = time.perf_counter() - start
    for slot in slots:
        if slot is not None:
            slot.cancel()
    await asyncio.wait([first, second])
    return elapsed / (2 * TIMES)


async def timers_fire():
    count = 10 * MANY
    start = time.process_time()
    await asyncio.gather(*(asyncio.sleep(i * 7919 % count / 1e6) for i in range(count)))
    return (time.process_time() - start) / count


async def timers_timeout():
    start = time.process_time()
    for _ in range(TIMES):
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
    return (time.process_time() - start) / TIMES


async def cancel():
    event = asyncio.Event()
    tasks = [asyncio.create_task(event.wait()) for _ in range(MANY)]
    await asyncio.sleep(0)
    start = time.perf_counter()
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            pass
    return (time.perf_counter() - start) / MANY


async def gather_return():
    async def child(number):
        return number

    start = time.perf_counter()
    await asyncio.gather(*(child(number) for number in range(MANY)))
    return (time.perf_counter() - start) / MANY


async def gather_yield():
    async def child(number):
        await asyncio.sleep(0)
        return number

    start = time.perf_counter()
    await asyncio.gather(*(child(number) for number in range(MANY)))
    return (time.perf_counter() - start) / MANY


for _ in range(int(ROUNDS)):
    print(asyncio.run(globals()[NAME]()) * 1e9)

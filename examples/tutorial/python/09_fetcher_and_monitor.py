import asyncio


async def get_some_values_from_io():
    await asyncio.sleep(0)
    return [1, 2, 3]


vals = []


async def fetcher():
    for _ in range(4):
        io_vals = await get_some_values_from_io()

        for val in io_vals:
            vals.append(val)


async def monitor():
    for _ in range(5):
        print(len(vals))
        await asyncio.sleep(0)


async def main():
    t1 = asyncio.create_task(fetcher())
    t2 = asyncio.create_task(monitor())
    await asyncio.gather(t1, t2)


asyncio.run(main())

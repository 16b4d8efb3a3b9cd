import asyncio


async def async_iterable():
    for n in range(3):
        await asyncio.sleep(0.001)
        yield n


async def do_something(a):
    await asyncio.sleep(0.001)
    print(f"something is done with {a}")


async def main():
    async for a in async_iterable():
        await do_something(a)

    it = async_iterable().__aiter__()
    while True:
        try:
            a = await anext(it)
        except StopAsyncIteration:
            break

        await do_something(a)


asyncio.run(main())

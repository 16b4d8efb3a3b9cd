import asyncio


async def async_gen(param):
    await asyncio.sleep(0.001)
    yield param


async def main():
    try:
        await async_gen(3)
    except TypeError:
        print("an async generator is not awaitable")

    async for r in async_gen(3):
        print(r)


asyncio.run(main())

import asyncio


async def do_something(y):
    await asyncio.sleep(0.001)
    return 2 * y


async def do_something_else(x):
    await asyncio.sleep(0.001)
    return x + 1


async def advanced_generator(y):
    for i in range(10):
        x = await do_something(y)
        y = yield x


async def main():
    it = advanced_generator(1)
    x = await anext(it)

    while True:
        y = await do_something_else(x)
        print(f"got {x}, send {y}")
        try:
            x = await it.asend(y)
        except StopAsyncIteration:
            break


asyncio.run(main())

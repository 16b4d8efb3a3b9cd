import asyncio


async def coroutine_function():
    await asyncio.sleep(0.001)
    return "a coroutine object"


class Custom:
    def __await__(self):
        yield from asyncio.sleep(0.001).__await__()
        return "an object with __await__"


async def show(a):
    r = await a
    print(r)


async def main():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "a future")

    await show(coroutine_function())
    await show(future)
    await show(Custom())


asyncio.run(main())

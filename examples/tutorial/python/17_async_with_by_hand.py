import asyncio


class AsyncCM:
    async def __aenter__(self):
        await asyncio.sleep(0.001)
        print("enter")
        return "context"

    async def __aexit__(self, exc_t, exc_v, exc_tb):
        await asyncio.sleep(0.001)
        print("exit" if exc_v is None else f"exit: {exc_v}")
        return False


async def succeed(ctx):
    print(f"in the {ctx}")


async def fail(ctx):
    raise RuntimeError("out of ink")


async def with_async_with(body):
    async with AsyncCM() as ctx:
        await body(ctx)


async def by_hand(body):
    cm = AsyncCM()
    ctx = await cm.__aenter__()
    try:
        await body(ctx)
    except Exception as e:
        if not await cm.__aexit__(type(e), e, e.__traceback__):
            raise e
    else:
        await cm.__aexit__(None, None, None)


async def main():
    for way in with_async_with, by_hand:
        await way(succeed)
        try:
            await way(fail)
        except RuntimeError as error:
            print(f"propagated: {error}")


asyncio.run(main())

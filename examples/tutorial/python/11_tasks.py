import asyncio


async def example_coroutine_function():
    print("the task begins")
    await asyncio.sleep(0.001)
    return "its result"


async def main():
    t = asyncio.create_task(example_coroutine_function())
    print("the task is made")
    print("done" if t.done() else "not done")
    await t
    print("done" if t.done() else "not done")
    print(t.result())


asyncio.run(main())

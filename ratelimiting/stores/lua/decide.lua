-- Decide one request by all its levels, in one atomic step.
--
-- KEYS: one for each level. ARGV[1], packed: <BBddddd for each level: algorithm, whether in shadow mode, cost, and the
-- four parameters of its quota. ARGV[2], packed: <Bd whether to charge, and now in microseconds, 0 for this server's
-- clock; without it the request is charged by this server's clock.
-- A stored state is <Bdddd: algorithm, its three numbers, and when the key expires.
-- Returns <Bi8dd for each level: whether it allows the request, what remains, seconds until all is free, seconds to wait.
-- Arguments and answer are packed and no function is called twice, because calls are most of the cost of a script this
-- short.

local BUCKET, SLIDING = 1, 2
-- Keys expire a little later than what they count, so that a clock that is set back a little still finds them.
local GRACE = 5000000
local STATE, SECOND = 33, 1000000

local call, pack, unpacked, keys, request = redis.call, struct.pack, struct.unpack, KEYS, ARGV[1]
local passes, now = true, 0
if ARGV[2] then
  local charge
  charge, now = unpacked('<Bd', ARGV[2])
  passes = charge == 1
end
if now == 0 then
  local time = call('TIME')
  now = time[1] * SECOND + time[2]
end
-- With room for four levels: a table that grows costs as much as a state that is packed.
local answer, new, ttl = { nil, nil, nil, nil }, { nil, nil, nil, nil }, {}
local states, levels, i, at = call('MGET', unpack(keys)), #keys, 1, 1

while i <= levels do
  local code, shadow, cost, window, p, q, r, next_at = unpacked('<BBddddd', request, at)
  local state, was, alive, a, b, c = states[i], nil, 0, nil, nil, nil
  if state and #state == STATE then was, a, b, c, alive = unpacked('<Bdddd', state) end
  -- The algorithm of the policy has changed: the state is discarded.
  if was ~= code then alive, a = 0, nil end
  local wait, left, reset
  if code == BUCKET then
    wait, left, reset, a, b, c = token_bucket(passes, cost, now, a, b, c, window, p, q, r)
  elseif code == SLIDING then
    wait, left, reset, a, b, c = sliding_window(passes, cost, now, a, b, c, window, p, q, r)
  else
    wait, left, reset, a, b, c = fixed_window(passes, cost, now, a, b, c, window, p)
  end
  if passes and wait > 0 and shadow == 0 then
    -- The request is refused, and nothing has been charged yet: evaluate all levels again without charging.
    passes, i, at = false, 1, 1
  else
    if passes and wait == 0 and cost > 0 then
      if now + reset + GRACE > alive then
        -- A bucket's expiry moves with each request. Twice as long a life is extended only after five seconds, or when
        -- what is used has doubled, which saves half a write.
        local life = reset + GRACE
        if code == BUCKET then life = 2 * life end
        alive, ttl[i] = now + life, ceil(life / 1000)
      end
      new[i] = pack('<Bdddd', code, a, b, c, alive)
    end
    answer[i] = pack('<Bi8dd', wait == 0 and 1 or 0, left, reset / SECOND, wait / SECOND)
    i, at = i + 1, next_at
  end
end
if passes then
  for level, state in pairs(new) do
    if ttl[level] then
      call('PSETEX', keys[level], ttl[level], state)
    else
      call('SETRANGE', keys[level], '0', state)
    end
  end
end
return table.concat(answer)

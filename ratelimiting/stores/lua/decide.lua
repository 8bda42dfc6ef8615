-- All levels of one request, in one step that nothing can come between.
--
-- KEYS: one for each level. ARGV[1]: now in microseconds, or '' for this server's own clock. ARGV[2]: '1' to charge.
-- ARGV[2 + i]: level i as <BBddddd: algorithm, whether in shadow, cost, and the four numbers of its quota.
-- Answers three doubles a level: microseconds to wait (0: allowed), what is left, microseconds until all is.
-- Numbers travel as packed doubles: Redis would cut an answer's fractions off, and print large ones short.

local BUCKET, SLIDING = 1, 2
-- Keys live a little longer than what they count, so that a clock that goes back by a moment still finds them.
local GRACE = 5000
local STATE = 25

local call, pack, unpacked = redis.call, struct.pack, struct.unpack
local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
local states, answer, passes = call('MGET', unpack(KEYS)), {}, ARGV[2] == '1'

-- Ask this level and, before it is charged, all after it: the call stack keeps what was found, which no table has to.
local function level(i)
  if i > #KEYS then return end
  local code, shadow, cost, window, p, q, r = unpacked('<BBddddd', ARGV[i + 2])
  local state, was, a, b, c = states[i], nil, nil, nil, nil
  if state and #state == STATE then was, a, b, c = unpacked('<Bddd', state) end
  -- A policy whose algorithm changed begins anew.
  if was ~= code then a = nil end
  local pause
  if code == BUCKET then
    cost = bucket_bounded(cost, window, p, q)
    a, b, c = bucket_seen(a, b, c, now, window, p, q, r)
    pause = bucket_wait(a, b, c, now, cost, window, p, q, r)
  elseif code == SLIDING then
    cost = window_bounded(cost, window, p)
    a, b, c = sliding_seen(a, b, c, now, window, p)
    pause = sliding_wait(a, b, c, now, cost, window, p, q, r)
  else
    cost = window_bounded(cost, window, p)
    a, b, c = fixed_seen(a, b, c, now, window)
    pause = fixed_wait(a, b, c, now, cost, window, p)
  end
  if pause > 0 and shadow == 0 then passes = false end
  level(i + 1)
  local charge = passes and pause == 0
  local remaining, reset
  if code == BUCKET then
    if charge then a, b, c = bucket_charged(a, b, c, cost) end
    remaining, reset = bucket_left(a, b, c, now, window, p, q, r)
  else
    if charge then a, b, c = window_charged(a, b, c, cost) end
    if code == SLIDING then
      remaining, reset = sliding_left(a, b, c, now, window, p, q, r)
    else
      remaining, reset = fixed_left(a, b, c, now, window, p)
    end
  end
  if charge and cost > 0 then
    call('PSETEX', KEYS[i], math.ceil(reset / 1000) + GRACE, pack('<Bddd', code, a, b, c))
  end
  answer[i] = pack('<ddd', pause, remaining, reset)
end

level(1)
return table.concat(answer)

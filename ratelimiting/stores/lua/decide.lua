-- All levels of one request, in one step that nothing can come between.
--
-- KEYS: one for each level. ARGV[1]: now in microseconds, or '' for this server's own clock. ARGV[2]: '1' to charge.
-- ARGV[3]: the levels one after the other, each <BBddddd: algorithm, whether in shadow, cost, and the four numbers of its
-- quota. One argument for all of them: each more is unpacked by Redis and handed to Lua by itself.
-- Answers three doubles a level: microseconds to wait (0: allowed), what is left, microseconds until all is.
-- Numbers travel as packed doubles: Redis would cut an answer's fractions off, and print large ones short.
--
-- The algorithms are those of ratelimiting/algorithms, line for line. They stand inside one function: Redis runs the whole
-- script anew for each request, and to make a dozen functions each time took as long as to call them for four levels.

local BUCKET, SLIDING = 1, 2
-- Keys live a little longer than what they count, so that a clock that goes back by a moment still finds them.
local GRACE = 5000
-- A state: <Bdddd: the algorithm, its three numbers, and until when the key lives, GRACE left out.
local STATE = 33

local call, pack, unpacked, floor, min = redis.call, struct.pack, struct.unpack, math.floor, math.min
local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
local states, answer, passes = call('MGET', unpack(KEYS)), {}, ARGV[2] == '1'
local levels, number = ARGV[3], #KEYS

-- Ask this level and, before it is charged, all after it: the call stack keeps what was found, which no table has to.
local function level(i, position)
  if i > number then return end
  local code, shadow, cost, window, p, q, r, following = unpacked('<BBddddd', levels, position)
  local state, was, a, b, c, till = states[i], nil, nil, nil, nil, nil
  if state and #state == STATE then was, a, b, c, till = unpacked('<Bdddd', state) end
  -- A policy whose algorithm changed begins anew.
  if was ~= code then a, till = nil, nil end
  local pause, used = 0, nil

  if code == BUCKET then
    -- State: used, at, unit. Quota: window, capacity p, unit q, rate r.
    cost = min(cost, floor(p / q) + 1) * q
    if not a or b - now > window then
      a, b, c = 0, now, q
    else
      if c ~= q then a, c = math.ceil(a * q / c), q end
      if a > p then a = p end
      if now > b then
        a = a - (now - b) * r
        if a < 0 then a = 0 end
        b = now
      end
    end
    local missing = a + cost - p
    if missing > 0 then pause = b - now + math.ceil(missing / r) end
  else
    -- State: start, current, previous, which a fixed window has none of. Quota: window, limit p, ticks q, tick r.
    cost = min(cost, p + 1)
    local begin = now - math.fmod(now, window)
    if not a or a - begin > window then
      a, b, c = begin, 0, 0
    elseif begin > a then
      c = code == SLIDING and begin - a == window and min(b, p) or 0
      a, b = begin, 0
    elseif code == SLIDING then
      b, c = min(b, p), min(c, p)
    end
    if code == SLIDING then
      used = b * q + c * (now > a and q - floor((now - a) / r) or q)
      if used + cost * q > p * q then
        local room, offset = p - cost, 2 * window
        if room >= 0 and b <= room then
          offset = min((q - floor((room - b) * q / c)) * r, window)
        elseif room >= 0 then
          offset = window + min((q - floor(room * q / b)) * r, window)
        end
        pause = a + offset - now
      end
    elseif b + cost > p then
      pause = a + window - now
    end
  end

  if pause > 0 and shadow == 0 then passes = false end
  level(i + 1, following)
  local charge = passes and pause == 0
  local remaining, reset = nil, 0
  if code == BUCKET then
    if charge then a = a + cost end
    if a > 0 then reset = b - now + math.ceil(a / r) end
    remaining = floor((p - a) / q)
  else
    if charge then b = b + cost end
    if code == SLIDING then
      if charge then used = used + cost * q end
      if b > 0 then reset = a + 2 * window - now elseif c > 0 then reset = a + window - now end
      remaining = floor((p * q - used) / q)
    else
      if b > 0 then reset = a + window - now end
      remaining = p - b
    end
    if remaining < 0 then remaining = 0 end
  end

  if charge and cost > 0 then
    local needed = now + reset
    if till and till >= needed then
      call('SET', KEYS[i], pack('<Bdddd', code, a, b, c, till), 'KEEPTTL')
    else
      -- To set an expiry costs as much as all else of a write. A bucket's moves with each charge, so it gets some more.
      if code == BUCKET then needed = needed + window end
      call('PSETEX', KEYS[i], string.format('%d', math.ceil((needed - now) / 1000) + GRACE),
        pack('<Bdddd', code, a, b, c, needed))
    end
  end
  answer[i] = pack('<ddd', pause, remaining, reset)
end

level(1, 1)
return table.concat(answer)

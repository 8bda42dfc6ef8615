-- The same as algorithms/sliding_window.py. State: start, current, previous. Quota: window, limit, ticks, tick.

local function window_bounded(cost, _, limit)
  return math.min(cost, limit + 1)
end

local function sliding_used(start, current, previous, now, ticks, tick)
  local elapsed = 0
  if now > start then elapsed = math.floor((now - start) / tick) end
  return current * ticks + previous * (ticks - elapsed)
end

local function sliding_seen(start, current, previous, now, window, limit)
  local begin = now - math.fmod(now, window)
  if not start or start - begin > window then return begin, 0, 0 end
  if begin > start then
    previous = begin - start == window and current or 0
    start, current = begin, 0
  end
  return start, math.min(current, limit), math.min(previous, limit)
end

local function sliding_wait(start, current, previous, now, cost, window, limit, ticks, tick)
  if sliding_used(start, current, previous, now, ticks, tick) + cost * ticks <= limit * ticks then return 0 end
  local room, offset = limit - cost, 2 * window
  if room >= 0 and current <= room then
    offset = math.min((ticks - math.floor((room - current) * ticks / previous)) * tick, window)
  elseif room >= 0 then
    offset = window + math.min((ticks - math.floor(room * ticks / current)) * tick, window)
  end
  return start + offset - now
end

local function window_charged(start, count, other, cost)
  return start, count + cost, other
end

local function sliding_left(start, current, previous, now, window, limit, ticks, tick)
  local used, reset = sliding_used(start, current, previous, now, ticks, tick), 0
  if current > 0 then
    reset = start + 2 * window - now
  elseif previous > 0 then
    reset = start + window - now
  end
  return math.max(0, math.floor((limit * ticks - used) / ticks)), reset
end
